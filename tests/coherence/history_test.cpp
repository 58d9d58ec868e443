#include "coherence/history.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace stele::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class AHistory : public testing::Test {
protected:
    /// At `ms`, by reader 2, within 1 ms.
    std::string complaint(const std::string& content, int ms, int reader = 2) const {
        return history_.complaint(content, reader, at(ms), at(ms + 1), 100ms);
    }
    void commit(const std::string& content, int sent_ms, int acknowledged_ms, int writer = 1) {
        history_.sent(content, writer, at(sent_ms));
        history_.committed(at(acknowledged_ms));
    }
    static History::Time at(int ms) { return History::Time() + 1h + std::chrono::milliseconds(ms); }

    History history_;
};

TEST_F(AHistory, allows_what_is_newest_and_what_was_within_the_bound) {
    EXPECT_EQ(complaint("none", 0), "");
    commit("a", 10, 20);
    EXPECT_EQ(complaint("a", 500), "");
    EXPECT_EQ(complaint("a", 10), "") << "committed, and not acknowledged yet";
    EXPECT_EQ(complaint("none", 120), "");
    EXPECT_THAT(complaint("none", 121), HasSubstr("a was committed 101 ms before"));
    commit("none", 200, 201);
    EXPECT_EQ(complaint("none", 400), "");
    EXPECT_NE(complaint("a", 400), "");
}

TEST_F(AHistory, allows_nothing_that_was_never_committed) {
    commit("a", 10, 20);
    history_.sent("b", 1, at(30));
    EXPECT_EQ(complaint("b", 31), "") << "it may be committed by now";
    EXPECT_THAT(complaint("b", 28), HasSubstr("not written yet"));
    history_.undone();
    EXPECT_THAT(complaint("b", 31), HasSubstr("rolled back"));
    EXPECT_EQ(complaint("a", 500), "");
    EXPECT_THAT(complaint("c", 500), HasSubstr("never written"));
}

TEST_F(AHistory, allows_no_reader_to_forget_its_own_commit) {
    commit("a", 10, 20, 1);
    EXPECT_EQ(complaint("none", 30, 2), "");
    EXPECT_THAT(complaint("none", 30, 1), HasSubstr("itself"));
    EXPECT_EQ(complaint("none", 15, 1), "");
}

}  // namespace
}  // namespace stele::test
