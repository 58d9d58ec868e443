#include "demo_guards.hpp"

#include <gtest/gtest.h>

#include <array>

namespace stele::cli {
namespace {

/// All as alike as can be, but for the last, which is like none.
struct DemoGuardsTest : ::testing::Test {
    void ask(std::string group, std::string text, std::optional<std::string> near = {}) {
        DemoQuestion made;
        made.group = std::move(group);
        made.kind = near ? "near_miss" : "paraphrase";
        made.near = std::move(near);
        made.question = std::move(text);
        questions.push_back(std::move(made));
    }
    DemoGuarded count() const {
        static constexpr std::array<float, 2> kAlike = {1, 0}, kUnlike = {0, 1};
        std::vector<const DemoQuestion*> stream;
        std::vector<DemoPlace> places;
        for (std::size_t i = 0; i < questions.size(); ++i) {
            stream.push_back(&questions[i]);
            places.push_back({i, i + 1 == questions.size() ? kUnlike : kAlike});
        }
        return count_guarded(stream, places, 0.8F, {number_guard(), negation_guard()});
    }
    std::vector<DemoQuestion> questions;
};

TEST_F(DemoGuardsTest, pairs_are_counted_by_kind_and_guard) {
    ask("three", "in 3 parts");
    ask("three", "in three parts");
    ask("three", "in three or 4 parts");
    ask("twelve", "in 12 parts", "three");
    ask("none", "not in 3 parts");
    ask("far", "in 99 parts");
    const DemoGuarded counted = count();
    EXPECT_EQ(counted.pairs.rewordings, 3u);
    EXPECT_EQ(counted.pairs.near_misses, 3u);
    EXPECT_EQ(counted.pairs.others, 4u);
    ASSERT_EQ(counted.guards.size(), 2u);
    EXPECT_EQ(counted.guards[0].name, "numbers");
    EXPECT_EQ(counted.guards[0].refused.rewordings, 2u);
    EXPECT_EQ(counted.guards[0].refused.near_misses, 3u);
    EXPECT_EQ(counted.guards[1].refused.rewordings, 0u);
    EXPECT_EQ(counted.guards[1].refused.others, 4u);
    EXPECT_EQ(counted.refused.rewordings, 2u);
    EXPECT_EQ(counted.refused.others, 4u);
}

TEST_F(DemoGuardsTest, the_stream_is_replayed_with_and_without_them) {
    ask("three", "in 3 parts");
    ask("twelve", "in 12 parts", "three");
    ask("three", "in three parts");
    ask("far", "something else");
    const DemoGuarded counted = count();
    EXPECT_EQ(counted.unguarded.right, 1u);
    EXPECT_EQ(counted.unguarded.wrong, 1u);
    EXPECT_EQ(counted.guarded.right, 1u);
    EXPECT_EQ(counted.guarded.wrong, 0u);
}

}  // namespace
}  // namespace stele::cli
