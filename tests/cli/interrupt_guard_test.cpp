#include "interrupt_guard.hpp"

#include <gtest/gtest.h>

namespace stele::cli {
namespace {

volatile std::sig_atomic_t otherwise = 0;

void count(int) {
    otherwise = otherwise + 1;
}

/// What the process does with these signals when nobody guards.
struct InterruptGuardTest : ::testing::Test {
    InterruptGuardTest() {
        otherwise = 0;
        for (const int signal : {SIGINT, SIGTERM}) std::signal(signal, count);
    }
    ~InterruptGuardTest() override {
        for (const int signal : {SIGINT, SIGTERM}) std::signal(signal, SIG_DFL);
    }
};

TEST_F(InterruptGuardTest, remembers_the_first_signal_and_lets_a_second_ctrl_c_through) {
    const InterruptGuard guard({SIGINT, SIGTERM});
    EXPECT_EQ(InterruptGuard::caught(), 0);
    std::raise(SIGINT);
    EXPECT_EQ(InterruptGuard::caught(), SIGINT);
    EXPECT_EQ(otherwise, 0);
    std::raise(SIGINT);
    EXPECT_EQ(otherwise, 1);
}

TEST_F(InterruptGuardTest, bears_any_number_of_other_signals_since_timeout_sends_two) {
    const InterruptGuard guard({SIGINT, SIGTERM});
    std::raise(SIGTERM);
    std::raise(SIGTERM);
    EXPECT_EQ(InterruptGuard::caught(), SIGTERM);
    EXPECT_EQ(otherwise, 0);
}

TEST_F(InterruptGuardTest, leaves_signals_alone_that_were_not_named_or_are_ignored) {
    std::signal(SIGINT, SIG_IGN);
    const InterruptGuard guard({SIGINT});
    std::raise(SIGINT);
    EXPECT_EQ(InterruptGuard::caught(), 0);
    std::raise(SIGTERM);
    EXPECT_EQ(otherwise, 1);
}

TEST_F(InterruptGuardTest, gives_back_what_was_there_and_begins_anew) {
    {
        const InterruptGuard guard({SIGINT, SIGTERM});
        std::raise(SIGTERM);
    }
    std::raise(SIGTERM);
    EXPECT_EQ(otherwise, 1);
    const InterruptGuard guard({SIGINT});
    EXPECT_EQ(InterruptGuard::caught(), 0);
}

}  // namespace
}  // namespace stele::cli
