#include "support/delay_line.hpp"

#include <gtest/gtest.h>

namespace stele::test {
namespace {

using namespace std::chrono_literals;

class DelayLineTest : public testing::Test {
protected:
    static std::string arrived(DelayLine& line, DelayLine::Time now) {
        std::string all;
        for (std::string_view piece = line.ready(now); !piece.empty(); piece = line.ready(now)) {
            all += piece;
            line.take(piece.size());
        }
        return all;
    }
    DelayLine line;
    const DelayLine::Time now{100s};
};

TEST_F(DelayLineTest, bytes_arrive_when_they_are_due_and_not_before) {
    line.push("early", now + 5ms);
    line.push("late", now + 9ms);
    EXPECT_EQ(line.next_due(), now + 5ms);
    EXPECT_EQ(arrived(line, now + 5ms - 1ns), "");
    EXPECT_EQ(arrived(line, now + 5ms), "early");
    EXPECT_EQ(line.next_due(), now + 9ms);
    EXPECT_EQ(line.size(), 4u);
    EXPECT_EQ(arrived(line, now + 9ms), "late");
    EXPECT_TRUE(line.empty());
    EXPECT_FALSE(line.next_due());
}

TEST_F(DelayLineTest, nothing_overtakes_what_was_sent_before) {
    line.push("slow", now + 9ms);
    line.push("quick", now + 1ms);
    EXPECT_EQ(arrived(line, now + 8ms), "");
    EXPECT_EQ(arrived(line, now + 9ms), "slowquick");
}

TEST_F(DelayLineTest, a_part_can_be_taken) {
    line.push("abcdef", now);
    line.take(2);
    EXPECT_EQ(line.size(), 4u);
    line.push("gh", now);  // joins the piece that was begun
    EXPECT_EQ(arrived(line, now), "cdefgh");
}

TEST_F(DelayLineTest, is_as_new_once_cleared) {
    line.push("abcdef", now + 1s);
    line.take(1);
    line.clear();
    EXPECT_TRUE(line.empty());
    line.push("gh", now);
    EXPECT_EQ(arrived(line, now), "gh");
}

}  // namespace
}  // namespace stele::test
