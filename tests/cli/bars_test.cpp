#include "bars.hpp"

#include <gtest/gtest.h>

namespace stele::cli {
namespace {

std::string printed(const std::vector<Bar>& bars, std::size_t width) {
    const bool json = false;
    ::testing::internal::CaptureStdout();
    print_bars(bars, width, Output(json));
    return ::testing::internal::GetCapturedStdout();
}

TEST(Bars, end_where_the_sum_of_their_parts_does) {
    // each part is 2.5 columns: rounded one by one they would be 3 and 3
    EXPECT_EQ(printed({{"a", {{0.25, "#"}, {0.25, "."}}, "half"}}, 10), "a ###.. half\n");
}

TEST(Bars, have_their_labels_to_the_right_and_may_be_empty) {
    EXPECT_EQ(printed({{"exact", {{0, "#"}}, "none"}, {"0.8", {{1, "#"}}, {}}}, 3), "exact none\n  0.8 ###\n");
}

}  // namespace
}  // namespace stele::cli
