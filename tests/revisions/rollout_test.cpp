#include "stele/rollout.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "stele/describe_json.hpp"
#include "stele/error.hpp"

namespace stele {
namespace {

std::size_t moved(const Rollout& rollout, int keys = 10'000) {
    std::size_t count = 0;
    for (int i = 0; i < keys; ++i) count += rollout.label_for("user " + std::to_string(i)) == rollout.to ? 1 : 0;
    return count;
}

TEST(Rollout, gives_each_label_its_share_of_keys) {
    EXPECT_EQ(moved({.percent = 0}), 0U);
    EXPECT_EQ(moved({.percent = 100}), 10'000U);
    EXPECT_NEAR(static_cast<double>(moved({.percent = 20})), 2'000, 200);
    EXPECT_NEAR(static_cast<double>(moved({.percent = 0.5})), 50, 30);
}

TEST(Rollout, a_key_that_has_moved_stays_moved_while_the_percentage_grows) {
    for (int i = 0; i < 1'000; ++i) {
        const std::string key = std::to_string(i);
        bool before = false;
        for (double percent = 0; percent <= 100; percent += 10) {
            const bool now = Rollout{.percent = percent}.label_for(key) == "staging";
            EXPECT_TRUE(now || !before);
            before = now;
        }
        EXPECT_TRUE(before);
    }
}

TEST(Rollout, chooses_other_keys_with_another_salt_and_the_same_everywhere_without) {
    const Rollout a{.percent = 50}, b{.percent = 50, .salt = "b"};
    int different = 0;
    for (int i = 0; i < 1'000; ++i)
        different += a.label_for(std::to_string(i)) != b.label_for(std::to_string(i)) ? 1 : 0;
    EXPECT_NEAR(different, 500, 100);
    // computed elsewhere: the place of "Ada" is 64.055 %
    EXPECT_EQ(Rollout{.percent = 64.05}.label_for("Ada"), "production");
    EXPECT_EQ(Rollout{.percent = 64.06}.label_for("Ada"), "staging");
}

TEST(Rollout, refuses_what_is_no_percentage) {
    for (const double percent : {-0.1, 100.1, std::numeric_limits<double>::quiet_NaN()}) {
        EXPECT_THROW(Rollout{.percent = percent}.label_for("a"), Error);
    }
}

TEST(Rollout, is_described) {
    const Rollout rollout = from_json<Rollout>(Json::parse(R"({"to":"canary","percent":5})"));
    EXPECT_EQ(rollout.from, "production");
    EXPECT_EQ(rollout.to, "canary");
    EXPECT_EQ(rollout.percent, 5);
    EXPECT_EQ(identifier<Rollout>(), "stele.Rollout");
}

}  // namespace
}  // namespace stele
