#include "cache/once/watches.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace stele {
namespace {

using namespace std::chrono_literals;

const Watches::Key kKey{"acme", "hash"};

TEST(Watches, a_change_between_two_waits_is_not_missed) {
    Watches watches;
    Watches::Watch watch(watches, kKey);
    watches.changed("acme", "hash");
    EXPECT_TRUE(watch.wait(Deadline::never()));
    EXPECT_FALSE(watch.wait(Deadline::after(1ms)));
    watches.all_changed();
    EXPECT_TRUE(watch.wait(Deadline::after(0ms)));
}

TEST(Watches, of_another_question_nothing_is_told) {
    Watches watches;
    Watches::Watch watch(watches, kKey);
    watches.changed("acme", "other");
    watches.changed("other", "hash");
    EXPECT_FALSE(watch.wait(Deadline::after(1ms)));
}

TEST(Watches, all_who_wait_are_woken) {
    Watches watches;
    Watches::Watch first(watches, kKey), second(watches, kKey);
    std::thread other([&] { EXPECT_TRUE(second.wait(Deadline::after(1min))); });
    std::thread changes([&] { watches.changed("acme", "hash"); });
    EXPECT_TRUE(first.wait(Deadline::after(1min)));
    changes.join();
    other.join();
}

}  // namespace
}  // namespace stele
