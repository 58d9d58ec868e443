#include "watch_rest.hpp"

#include <gtest/gtest.h>

namespace stele::cli {
namespace {

using namespace std::chrono_literals;

TEST(WatchRest, leaves_looks_a_tenth_of_the_time) {
    EXPECT_EQ(rest_after(50ms, 100ms), 500ms);
}

TEST(WatchRest, is_never_shorter_than_asked) {
    EXPECT_EQ(rest_after(1ms, 100ms), 100ms);
    EXPECT_EQ(rest_after(1ms, 10s), 10s);
    EXPECT_EQ(rest_after(1h, 10s), 10s);
}

TEST(WatchRest, does_not_grow_with_the_time_that_a_server_was_away) {
    EXPECT_EQ(rest_after(4s, 100ms), 5s);
    EXPECT_EQ(rest_after(1h, 100ms), 5s);
}

}  // namespace
}  // namespace stele::cli
