// What was published while an answer was read, or after.
#include "cache/head_changes.hpp"

#include <gtest/gtest.h>

#include "cache/local_answers.hpp"

namespace stele {
namespace {

TEST(HeadChanges, an_answer_holds_until_one_of_its_names_is_published) {
    HeadChanges heads;
    const auto seen = heads.seen({"terms", "prices"}, heads.sum());
    const auto other = heads.seen({"unrelated"}, heads.sum());
    EXPECT_TRUE(heads.unchanged(seen));
    heads.changed("prices");
    EXPECT_FALSE(heads.unchanged(seen));
    EXPECT_TRUE(heads.unchanged(other));
    EXPECT_TRUE(heads.unchanged({})) << "what was made from nothing always holds";
}

TEST(HeadChanges, what_is_published_while_an_answer_is_read_counts_as_after_it) {
    HeadChanges heads;
    const std::uint64_t before = heads.sum();
    heads.changed("anything");
    EXPECT_FALSE(heads.unchanged(heads.seen({"terms"}, before)));
    EXPECT_TRUE(heads.unchanged(heads.seen({"terms"}, heads.sum())));
}

TEST(HeadChanges, an_answer_that_was_loaded_before_a_publication_is_loaded_again) {
    LocalAnswers local(10, 10'000);
    const auto answer = [&local](std::uint64_t since) {
        LocalAnswer made{};
        made.read = BootClock::now();
        made.heads = local.heads().seen({"terms"}, since);
        return std::make_shared<const LocalAnswer>(std::move(made));
    };
    int loads = 0;
    const auto served = local.read("ns", "h", Deadline::never(), [&] {
        const std::uint64_t since = local.heads().sum();
        if (++loads == 1) local.head_changed("terms");
        return answer(since);
    });
    EXPECT_EQ(loads, 2);
    EXPECT_NE(served, nullptr);
    EXPECT_FALSE(local.find("ns", "h")) << "what was read the second time is not kept";
    local.read("ns", "h", Deadline::never(), [&] { return answer(local.heads().sum()); });
    EXPECT_TRUE(local.find("ns", "h"));
    local.head_changed("terms");
    EXPECT_FALSE(local.find("ns", "h"));
}

}  // namespace
}  // namespace stele
