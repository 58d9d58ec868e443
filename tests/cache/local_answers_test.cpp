// Answers kept in the process, and accesses that are to be noted.
#include "cache/local_answers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cache/access_log.hpp"
#include "support/in_threads.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

std::shared_ptr<const LocalAnswer> answer(std::string text, std::optional<std::chrono::seconds> ttl = {},
                                          std::chrono::seconds old = 0s) {
    LocalAnswer made{};
    made.hit.response = std::move(text);
    made.ttl = ttl;
    made.read = BootClock::now() - old;
    return std::make_shared<const LocalAnswer>(std::move(made));
}

class LocalAnswersTest : public ::testing::Test {
protected:
    void keep(const std::string& hash, std::shared_ptr<const LocalAnswer> made, const std::string& name_space = "ns") {
        local.read(name_space, hash, Deadline::never(), [&] { return made; });
    }
    LocalAnswers local{100, 10'000};
};

TEST_F(LocalAnswersTest, an_answer_is_of_its_namespace_and_its_age_goes_on) {
    keep("h", answer("kept", {}, 90s));
    EXPECT_FALSE(local.find("other", "h"));
    EXPECT_FALSE(local.find("ns", "other"));
    const std::optional<Hit> hit = local.find("ns", "h");
    ASSERT_TRUE(hit);
    EXPECT_EQ(hit->response, "kept");
    EXPECT_EQ(hit->layer, HitLayer::local);
    EXPECT_GE(hit->age, 90s);
}

TEST_F(LocalAnswersTest, an_answer_past_its_lifetime_is_read_again) {
    keep("h", answer("old", 60s, 60s));
    EXPECT_FALSE(local.find("ns", "h"));
    keep("h", answer("new", 60s));
    EXPECT_EQ(local.find("ns", "h")->response, "new");
}

TEST_F(LocalAnswersTest, what_was_changed_is_not_here_and_what_is_not_there_is_not_kept) {
    keep("h", answer("kept"));
    keep("absent", nullptr);
    EXPECT_EQ(local.counts().entries, 1u);
    local.changed("ns", "h");
    EXPECT_FALSE(local.find("ns", "h"));
    keep("h", answer("kept"));
    local.all_changed();
    EXPECT_EQ(local.counts().entries, 0u);
    EXPECT_EQ(local.counts().bytes, 0u);
}

TEST_F(LocalAnswersTest, its_bytes_are_bounded_and_one_that_is_too_long_is_not_kept) {
    for (int i = 0; i < 50; ++i) {
        keep(std::to_string(i), answer(std::string(1'000, 'x')));
        EXPECT_LE(local.counts().bytes, 10'000u);
    }
    EXPECT_GT(local.counts().entries, 3u);
    const std::size_t before = local.counts().entries;
    keep("long", answer(std::string(10'000, 'x')));
    EXPECT_EQ(local.counts().entries, before);
    EXPECT_FALSE(local.find("ns", "long"));
}

TEST(AccessLog, merges_what_many_threads_note_and_gives_it_once) {
    AccessLog log;
    const auto now = BootClock::now();
    test::in_threads(4, [&](int) {
        for (int i = 0; i < 1'000; ++i) log.note(i % 2 + 1, now - (i % 2) * 30s);
    });
    const AccessLog::Batch batch = log.take(now);
    EXPECT_THAT(batch.ids, UnorderedElementsAre(1, 2));
    EXPECT_THAT(batch.times, UnorderedElementsAre(2'000, 2'000));
    EXPECT_THAT(batch.seconds_ago, UnorderedElementsAre(0, 30));
    EXPECT_THAT(log.take(now).ids, IsEmpty());
}

TEST(AccessLog, one_thread_is_told_to_take_them_when_it_is_time) {
    AccessLog log;
    const auto start = BootClock::now();
    EXPECT_TRUE(log.note(1, start));
    EXPECT_FALSE(log.note(1, start + 1ms));
    EXPECT_TRUE(log.note(1, start + AccessLog::kInterval));
    EXPECT_FALSE(log.note(1, start + AccessLog::kInterval));
    int told = 0;
    for (std::int64_t id = 0; id < 3'000; ++id) told += log.note(id, start + AccessLog::kInterval) ? 1 : 0;
    EXPECT_GT(told, 0) << "so many entries";
}

}  // namespace
}  // namespace stele
