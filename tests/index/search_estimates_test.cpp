#include "index/search_estimates.hpp"

#include <gtest/gtest.h>

namespace stele {
namespace {

using Clock = SearchEstimates::Clock;

TEST(SearchEstimates, are_kept_for_a_while_by_filter) {
    SearchEstimates estimates;
    const Clock::time_point now{};
    EXPECT_FALSE(estimates.find("a", now));
    estimates.keep("a", {1000, 0.5, false, 100}, now);
    estimates.keep("b", {1000, 0.01, true, 0}, now);
    ASSERT_TRUE(estimates.find("a", now));
    EXPECT_FALSE(estimates.find("a", now)->exact);
    EXPECT_EQ(estimates.find("b", now)->share, 0.01);
    const auto last = now + SearchEstimates::kKept - std::chrono::nanoseconds(1);
    EXPECT_TRUE(estimates.find("a", last));
    EXPECT_FALSE(estimates.find("a", now + SearchEstimates::kKept));
    estimates.keep("a", {2000, 0.1, true, 0}, last);
    EXPECT_EQ(estimates.find("a", now + SearchEstimates::kKept)->rows, 2000);
    estimates.clear();
    EXPECT_FALSE(estimates.find("a", now));
}

TEST(SearchEstimates, are_bounded_and_the_newest_is_there) {
    SearchEstimates estimates;
    const Clock::time_point now{};
    for (std::size_t i = 0; i <= SearchEstimates::kMost; ++i) estimates.keep(std::to_string(i), {}, now);
    EXPECT_TRUE(estimates.find(std::to_string(SearchEstimates::kMost), now));
    EXPECT_FALSE(estimates.find("0", now));
}

}  // namespace
}  // namespace stele
