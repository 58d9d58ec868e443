#include "postgres/lane_distance.hpp"

#include <gtest/gtest.h>

namespace stele {
namespace {

using namespace std::chrono_literals;

class Line {
public:
    void answer(Deadline::Clock::duration took, int times = 1, bool alone = false) {
        for (int i = 0; i < times; ++i) distance.answered(took, 1, alone, now);
    }
    LaneDistance distance;
    LaneDistance::Time now{};
};

TEST(LaneDistance, a_server_is_near_until_several_groups_in_a_row_took_long) {
    Line line;
    EXPECT_EQ(line.distance.flights(), 1u);
    line.answer(5ms, 7);
    EXPECT_EQ(line.distance.flights(), 1u);
    line.answer(200us);  // those were slow statements
    line.answer(5ms, 7);
    EXPECT_EQ(line.distance.flights(), 1u);
    line.answer(5ms);
    EXPECT_GT(line.distance.flights(), 1u);
}

TEST(LaneDistance, a_large_group_may_take_longer) {
    LaneDistance distance;
    for (int i = 0; i < 100; ++i) distance.answered(3ms, 64, true, {});
    EXPECT_EQ(distance.flights(), 1u);
}

TEST(LaneDistance, looks_once_a_second_with_a_group_that_travels_alone_whether_it_is_still_far) {
    Line line;
    line.answer(5ms, 8);
    ASSERT_GT(line.distance.flights(), 1u);
    line.answer(100us, 100);  // behind others, and quick: that says nothing
    EXPECT_GT(line.distance.flights(), 1u);
    line.now += 2s;
    line.answer(5ms);
    EXPECT_EQ(line.distance.flights(), 1u) << "the next group travels alone";
    line.answer(5ms, 3);  // of those that were under way before
    EXPECT_EQ(line.distance.flights(), 1u);
    line.answer(5ms, 1, true);
    EXPECT_GT(line.distance.flights(), 1u) << "it is";
    line.now += 2s;
    line.answer(5ms);
    line.answer(100us, 1, true);
    EXPECT_EQ(line.distance.flights(), 1u) << "it is not";
}

}  // namespace
}  // namespace stele
