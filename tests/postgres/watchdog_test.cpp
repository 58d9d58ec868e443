#include "postgres/watchdog.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "support/eventually.hpp"
#include "support/in_threads.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;

class SocketPair {
public:
    SocketPair() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends_.data()), 0); }
    SocketPair(const SocketPair&) = delete;
    SocketPair& operator=(const SocketPair&) = delete;
    ~SocketPair() {
        ::close(ends_[0]);
        ::close(ends_[1]);
    }
    int ours() const { return ends_[0]; }
    /// Until something can be read or the socket was shut down; false when neither happened.
    bool woken_within(std::chrono::milliseconds time) const {
        pollfd entry{ours(), POLLIN, 0};
        return ::poll(&entry, 1, static_cast<int>(time.count())) == 1;
    }

private:
    std::array<int, 2> ends_{};
};

TEST(Watchdog, ends_the_wait_of_a_call_whose_deadline_passes) {
    Watchdog watchdog;
    const SocketPair sockets;
    Watchdog::Watch watch(watchdog, sockets.ours());
    const auto start = std::chrono::steady_clock::now();
    watch.begin(Deadline::after(30ms));
    EXPECT_TRUE(sockets.woken_within(20s));
    EXPECT_GE(std::chrono::steady_clock::now() - start, 30ms);
    EXPECT_TRUE(watch.end());
}

TEST(Watchdog, leaves_a_socket_alone_when_its_call_ended_in_time) {
    Watchdog watchdog;
    const SocketPair sockets;
    Watchdog::Watch watch(watchdog, sockets.ours());
    for (int call = 0; call < 3; ++call) {
        watch.begin(Deadline::after(20ms));
        EXPECT_FALSE(watch.end());
    }
    watch.begin(Deadline::never());
    EXPECT_FALSE(sockets.woken_within(60ms));
    EXPECT_FALSE(watch.end());
}

TEST(Watchdog, sees_a_deadline_that_is_earlier_than_the_one_it_waits_for) {
    Watchdog watchdog;
    const SocketPair slow;
    const SocketPair fast;
    Watchdog::Watch first(watchdog, slow.ours());
    Watchdog::Watch second(watchdog, fast.ours());
    first.begin(Deadline::after(1h));
    second.begin(Deadline::after(10ms));
    EXPECT_TRUE(fast.woken_within(20s));
    EXPECT_TRUE(second.end());
    EXPECT_FALSE(first.end());
}

TEST(Watchdog, ends_a_call_that_was_late_when_it_began) {
    Watchdog watchdog;
    const SocketPair sockets;
    Watchdog::Watch watch(watchdog, sockets.ours());
    watch.begin(Deadline::after(0ms));
    EXPECT_TRUE(sockets.woken_within(20s));
    EXPECT_TRUE(watch.end());
}

TEST(Watchdog, misses_nobody_while_many_threads_begin_and_end_calls) {
    Watchdog watchdog;
    test::in_threads(4, [&](int number) {
        for (int call = 0; call < 50; ++call) {
            const SocketPair sockets;
            Watchdog::Watch watch(watchdog, sockets.ours());
            const bool late = (call + number) % 2 == 0;
            watch.begin(Deadline::after(late ? 1ms : 1h));
            if (late) {
                EXPECT_TRUE(sockets.woken_within(20s));
            }
            EXPECT_EQ(watch.end(), late);
        }
    });
}

TEST(Watchdog, rings_an_alarm_at_the_earliest_of_its_deadlines_and_then_at_the_next) {
    Watchdog watchdog;
    std::atomic<int> rings{0};
    const auto begin = Deadline::Clock::now();
    const Deadline last = Deadline::at(begin + 80ms);
    Watchdog::Alarm alarm(watchdog, [&] { return ++rings == 1 ? last : Deadline::never(); });
    alarm.set(Deadline::at(begin + 1h));
    alarm.set(Deadline::at(begin + 40ms));
    alarm.set(Deadline::at(begin + 2h));
    EXPECT_TRUE(test::eventually([&] { return rings >= 1; }));
    EXPECT_GE(Deadline::Clock::now(), begin + 40ms);
    EXPECT_TRUE(test::eventually([&] { return rings >= 2; }));
    EXPECT_GE(Deadline::Clock::now(), begin + 80ms);
    std::this_thread::sleep_for(20ms);
    EXPECT_EQ(rings, 2);
}

TEST(Watchdog, an_alarm_that_is_set_while_it_rings_rings_again) {
    Watchdog watchdog;
    std::atomic<int> rings{0};
    Watchdog::Alarm alarm(watchdog, [&] {
        ++rings;
        return Deadline::never();
    });
    for (int wanted = 1; wanted <= 500; ++wanted) {
        alarm.set(Deadline::after(0ms));  // some of these while the one before still rings
        while (rings < wanted) std::this_thread::yield();
    }
    EXPECT_GE(rings, 500);
}

TEST(Watchdog, does_its_chore_when_it_is_asked_for_and_again_when_that_says_so) {
    std::atomic<int> runs{0};
    Watchdog watchdog([&runs] { return ++runs < 3 ? Deadline::after(5ms) : Deadline::never(); });
    const SocketPair sockets;
    const Watchdog::Watch watch(watchdog, sockets.ours());
    std::this_thread::sleep_for(20ms);
    EXPECT_EQ(runs, 0);
    watchdog.chore_by(Deadline::after(1h));
    watchdog.chore_by(Deadline::after(10ms));  // the earlier counts
    EXPECT_TRUE(test::eventually([&] { return runs >= 3; }));
    std::this_thread::sleep_for(20ms);
    EXPECT_EQ(runs, 3);
}

TEST(Watchdog, ends_late_calls_beside_its_chore) {
    Watchdog watchdog([] { return Deadline::after(1ms); });
    const SocketPair sockets;
    Watchdog::Watch watch(watchdog, sockets.ours());
    watchdog.chore_by(Deadline::after(0ms));
    watch.begin(Deadline::after(20ms));
    EXPECT_TRUE(sockets.woken_within(20s));
    EXPECT_TRUE(watch.end());
}

TEST(Watchdog, does_no_chore_after_it_was_stopped_not_even_one_that_it_was_at) {
    std::atomic<bool> began{false}, stopped{false}, late{false};
    Watchdog watchdog([&] {
        began = true;
        std::this_thread::sleep_for(20ms);
        late = late || stopped;
        return Deadline::after(0ms);
    });
    const SocketPair sockets;
    const Watchdog::Watch watch(watchdog, sockets.ours());
    watchdog.chore_by(Deadline::after(0ms));
    EXPECT_TRUE(test::eventually([&] { return began.load(); }));
    watchdog.stop();
    stopped = true;
    std::this_thread::sleep_for(50ms);
    EXPECT_FALSE(late);
}

}  // namespace
}  // namespace stele
