#include "postgres/pool_machine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <utility>
#include <vector>

namespace stele {
namespace {

using namespace std::chrono_literals;
using Do = PoolMachine::Do;

const PoolMachine::Time kNow{1'000h};

PoolMachine::Limits limits(std::size_t maximum, std::size_t waiters = 10) {
    PoolMachine::Limits limits;
    limits.maximum = maximum;
    limits.max_waiters = waiters;
    limits.max_lifetime = 60s;
    limits.check_after = 100ms;
    return limits;
}

ErrorInfo refused(ErrorCode code = ErrorCode::unavailable) {
    ErrorInfo error = make_error(code, "cannot connect");
    error.retry = code == ErrorCode::authentication ? Retry::no : Retry::call;
    return error;
}

std::size_t open_one(PoolMachine& pool) {
    const auto ticket = pool.enter(kNow).value();
    const auto decision = pool.decide(ticket, kNow);
    EXPECT_EQ(decision.what, Do::connect);
    pool.connected(decision.slot, kNow);
    return decision.slot;
}

TEST(PoolMachine, connects_up_to_its_maximum_and_then_makes_callers_wait) {
    PoolMachine pool(limits(2));
    open_one(pool);
    open_one(pool);
    const auto third = pool.enter(kNow).value();
    EXPECT_EQ(pool.decide(third, kNow).what, Do::wait);
    EXPECT_EQ(pool.status().in_use, 2u);
    EXPECT_EQ(pool.status().waiting, 1u);
}

TEST(PoolMachine, lends_what_comes_back_to_the_first_in_line) {
    PoolMachine pool(limits(1));
    const std::size_t slot = open_one(pool);
    const auto first = pool.enter(kNow).value();
    const auto second = pool.enter(kNow).value();
    EXPECT_FALSE(pool.next_to_wake());
    EXPECT_TRUE(pool.returned(slot, false, kNow));
    EXPECT_EQ(pool.next_to_wake(), first);
    EXPECT_EQ(pool.decide(second, kNow).what, Do::wait);
    EXPECT_EQ(pool.decide(first, kNow).what, Do::use);
    EXPECT_FALSE(pool.next_to_wake());
}

TEST(PoolMachine, looks_at_a_connection_that_was_silent_before_lending_it) {
    PoolMachine pool(limits(1));
    pool.returned(open_one(pool), false, kNow);
    EXPECT_EQ(pool.decide(pool.enter(kNow).value(), kNow + 50ms).what, Do::use);
    pool.returned(0, false, kNow + 50ms);
    EXPECT_EQ(pool.decide(pool.enter(kNow).value(), kNow + 5s).what, Do::check);
}

TEST(PoolMachine, looks_at_every_connection_that_was_idle_when_another_broke) {
    PoolMachine pool(limits(2));
    const std::size_t first = open_one(pool);
    const std::size_t second = open_one(pool);
    pool.returned(first, false, kNow);
    pool.returned(second, true, kNow + 1ms);
    EXPECT_EQ(pool.decide(pool.enter(kNow).value(), kNow + 2ms).what, Do::check);
    pool.returned(first, false, kNow + 3ms);
    EXPECT_EQ(pool.decide(pool.enter(kNow).value(), kNow + 4ms).what, Do::use);
}

TEST(PoolMachine, a_dead_connection_costs_its_finder_no_place_in_the_line) {
    PoolMachine pool(limits(1));
    pool.returned(open_one(pool), false, kNow);
    const auto first = pool.enter(kNow).value();
    const auto second = pool.enter(kNow).value();
    const auto decision = pool.decide(first, kNow + 5s);
    ASSERT_EQ(decision.what, Do::check);
    pool.discard(decision.slot, first);
    EXPECT_EQ(pool.decide(second, kNow + 5s).what, Do::wait);
    EXPECT_EQ(pool.decide(first, kNow + 5s).what, Do::connect);
}

TEST(PoolMachine, an_abandoned_attempt_gives_its_place_to_the_next_caller) {
    PoolMachine pool(limits(1));
    const auto first = pool.enter(kNow).value();
    const auto second = pool.enter(kNow).value();
    const auto decision = pool.decide(first, kNow);
    ASSERT_EQ(decision.what, Do::connect);
    EXPECT_EQ(pool.decide(second, kNow).what, Do::wait);
    EXPECT_EQ(pool.connect_abandoned(decision.slot, refused(), kNow).message, "cannot connect");
    EXPECT_EQ(pool.next_to_wake(), second);
    EXPECT_EQ(pool.decide(second, kNow).what, Do::connect);
}

TEST(PoolMachine, closes_what_is_broken_or_too_old_when_it_comes_back) {
    PoolMachine pool(limits(2));
    EXPECT_FALSE(pool.returned(open_one(pool), true, kNow));
    EXPECT_FALSE(pool.returned(open_one(pool), false, kNow + 61s));
    EXPECT_EQ(pool.status().idle, 0u);
}

TEST(PoolMachine, lends_the_most_recently_used_so_that_surplus_grows_old) {
    PoolMachine pool(limits(2));
    const std::size_t first = open_one(pool);
    const std::size_t second = open_one(pool);
    pool.returned(second, false, kNow);
    pool.returned(first, false, kNow + 1ms);
    EXPECT_EQ(pool.decide(pool.enter(kNow).value(), kNow + 2ms).slot, first);
}

TEST(PoolMachine, draive_013_refuses_a_line_that_is_too_long_with_the_numbers) {
    PoolMachine pool(limits(1, 2));
    open_one(pool);
    const auto waiting = pool.enter(kNow).value();
    EXPECT_TRUE(pool.enter(kNow));
    const auto refused = pool.enter(kNow);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::pool_exhausted);
    EXPECT_THAT(refused.error().message,
                testing::HasSubstr("2 callers already wait for one of 1 connections (1 in use"));
    pool.leave(waiting, kNow);
    EXPECT_TRUE(pool.enter(kNow));
}

// Outages: Outage's own test says when there is hope; here, what the line makes of it.

PoolMachine::Limits in_outages(std::size_t maximum, std::size_t connecting = 4) {
    PoolMachine::Limits outages = limits(maximum);
    outages.max_connecting = connecting;
    outages.outage.first_pause = 20ms;
    outages.outage.max_pause = 100ms;
    outages.outage.patience = 1s;
    return outages;
}

/// A pool whose server was there once, and then lost its only connection.
struct LostServer {
    explicit LostServer(PoolMachine::Limits limits) : pool(limits) { pool.returned(open_one(pool), true, kNow); }
    PoolMachine pool;
};

TEST(PoolMachine, connects_no_more_at_once_than_its_limit) {
    PoolMachine pool(in_outages(8, 2));
    std::vector<PoolMachine::Ticket> tickets;
    for (int i = 0; i < 4; ++i) tickets.push_back(pool.enter(kNow).value());
    const auto first = pool.decide(tickets[0], kNow), second = pool.decide(tickets[1], kNow);
    EXPECT_EQ(first.what, Do::connect);
    EXPECT_EQ(second.what, Do::connect);
    const auto third = pool.decide(tickets[2], kNow);
    EXPECT_EQ(third.what, Do::wait);
    EXPECT_TRUE(third.until.is_never());
    pool.connected(first.slot, kNow);
    EXPECT_EQ(pool.next_to_wake(), tickets[2]);
    EXPECT_EQ(pool.decide(tickets[2], kNow).what, Do::connect);
    // a connection that comes back is as good as a turn to connect
    pool.returned(first.slot, false, kNow);
    EXPECT_EQ(pool.decide(tickets[3], kNow).what, Do::use);
}

TEST(PoolMachine, a_server_that_was_never_reached_fails_at_once) {
    PoolMachine pool(in_outages(2));
    const auto ticket = pool.enter(kNow).value();
    pool.connect_failed(pool.decide(ticket, kNow).slot, ticket, refused(), kNow);
    EXPECT_EQ(pool.decide(ticket, kNow).what, Do::fail);
    EXPECT_EQ(pool.why_failed(kNow).message, "cannot connect");
    EXPECT_EQ(pool.status().waiting, 0u);
    EXPECT_EQ(pool.status().connecting, 0u);
}

TEST(PoolMachine, a_server_that_was_there_is_tried_by_one_caller_at_a_time_while_the_others_wait) {
    LostServer lost(in_outages(8));
    PoolMachine& pool = lost.pool;
    const auto first = pool.enter(kNow).value();
    const auto second = pool.enter(kNow).value();
    pool.connect_failed(pool.decide(first, kNow).slot, first, refused(), kNow);
    const auto pause = pool.decide(first, kNow);
    ASSERT_EQ(pause.what, Do::wait);
    EXPECT_GE(pause.until, Deadline::at(kNow + 10ms));
    EXPECT_LE(pause.until, Deadline::at(kNow + 20ms));
    const auto later = pause.until.point();
    const auto probe = pool.decide(first, later);
    ASSERT_EQ(probe.what, Do::connect);
    // it may take long, but nobody waits longer than the patience
    const auto waiting = pool.decide(second, later);
    EXPECT_EQ(waiting.what, Do::wait);
    EXPECT_EQ(waiting.until, Deadline::at(kNow + 1s));
    pool.connected(probe.slot, later);
    EXPECT_EQ(pool.decide(second, later).what, Do::connect);
}

TEST(PoolMachine, in_a_long_outage_callers_fail_at_once_but_for_one_that_tries_after_each_pause) {
    LostServer lost(in_outages(8));
    PoolMachine& pool = lost.pool;
    PoolMachine::Time now = kNow;
    auto ticket = pool.enter(now).value();
    int attempts = 0;
    for (auto decision = pool.decide(ticket, now); decision.what != Do::fail; decision = pool.decide(ticket, now)) {
        if (decision.what == Do::connect) {
            ++attempts;
            pool.connect_failed(decision.slot, ticket, refused(), now);
        } else {
            ASSERT_EQ(decision.what, Do::wait);
            ASSERT_GT(decision.until, Deadline::at(now));
            now = decision.until.point();
        }
    }
    EXPECT_EQ(now, kNow + 1s);
    EXPECT_GE(attempts, 12);
    EXPECT_EQ(pool.decide(pool.enter(now).value(), now).what, Do::fail);
    EXPECT_THAT(pool.why_failed(now).message, testing::MatchesRegex("cannot connect \\([0-9]+ attempts in 1.0 s, the "
                                                                    "last [0-9]+ ms ago\\)"));
    const auto probing = pool.enter(now + 100ms).value();
    const auto other = pool.enter(now + 100ms).value();
    const auto probe = pool.decide(probing, now + 100ms);
    ASSERT_EQ(probe.what, Do::connect);
    EXPECT_EQ(pool.decide(other, now + 100ms).what, Do::fail);
    pool.connect_failed(probe.slot, probing, refused(), now + 100ms);
    EXPECT_EQ(pool.decide(probing, now + 100ms).what, Do::fail);
    // the server is back
    const auto lucky = pool.enter(now + 200ms).value();
    pool.connected(pool.decide(lucky, now + 200ms).slot, now + 200ms);
    EXPECT_EQ(pool.decide(pool.enter(now + 200ms).value(), now + 200ms).what, Do::connect);
}

TEST(PoolMachine, an_error_that_waiting_does_not_mend_is_not_waited_for) {
    LostServer lost(in_outages(8));
    PoolMachine& pool = lost.pool;
    const auto first = pool.enter(kNow).value();
    const auto second = pool.enter(kNow).value();
    pool.connect_failed(pool.decide(first, kNow).slot, first, refused(ErrorCode::authentication), kNow);
    EXPECT_EQ(pool.decide(first, kNow).what, Do::fail);
    EXPECT_EQ(pool.next_to_wake(), second);
    EXPECT_EQ(pool.decide(second, kNow).what, Do::fail);
    EXPECT_EQ(pool.why_failed(kNow + 5ms).code, ErrorCode::authentication);
}

TEST(PoolMachine, callers_wait_for_connections_in_use_when_the_server_takes_no_more) {
    PoolMachine pool(in_outages(8));
    const std::size_t only = open_one(pool);
    const auto ticket = pool.enter(kNow).value();
    pool.connect_failed(pool.decide(ticket, kNow).slot, ticket, refused(ErrorCode::resources), kNow);
    const auto later = kNow + 5s;
    pool.connect_failed(pool.decide(ticket, later).slot, ticket, refused(ErrorCode::resources), later);
    EXPECT_EQ(pool.decide(ticket, later).what, Do::wait);
    pool.returned(only, false, later);
    EXPECT_EQ(pool.decide(ticket, later).what, Do::use);
    // with none in use there is nothing to wait for any more
    pool.returned(only, true, later);
    const auto last = pool.enter(later).value();
    EXPECT_EQ(pool.decide(last, later).what, Do::fail);
}

TEST(PoolMachine, connections_in_use_are_no_hope_when_the_server_is_gone) {
    PoolMachine pool(in_outages(8));
    open_one(pool);
    const auto ticket = pool.enter(kNow).value();
    pool.connect_failed(pool.decide(ticket, kNow).slot, ticket, refused(), kNow);
    const auto probe = pool.decide(ticket, kNow + 1s);
    pool.connect_failed(probe.slot, ticket, refused(), kNow + 1s);
    EXPECT_EQ(pool.decide(ticket, kNow + 1s).what, Do::fail);
}

TEST(PoolMachine, a_deadline_that_passes_in_an_outage_reports_the_last_connect_error_with_the_numbers) {
    LostServer lost(in_outages(8));
    PoolMachine& pool = lost.pool;
    const auto ticket = pool.enter(kNow).value();
    pool.connect_failed(pool.decide(ticket, kNow).slot, ticket, refused(), kNow);
    EXPECT_EQ(pool.decide(ticket, kNow + 5ms).what, Do::wait);
    const ErrorInfo error = pool.leave(ticket, kNow + 15ms);
    EXPECT_EQ(error.code, ErrorCode::unavailable);
    EXPECT_EQ(error.message,
              "cannot connect (15 ms ago); there was no connection before the deadline: 0 of 8 in use, 0 connecting, 1 "
              "callers waiting");
    EXPECT_EQ(pool.status().waiting, 0u);
}

TEST(PoolMachine, a_full_pool_mentions_that_new_connections_fail) {
    PoolMachine pool(in_outages(2));
    open_one(pool);
    const auto ticket = pool.enter(kNow).value();
    const auto attempt = pool.decide(ticket, kNow);
    pool.connect_failed(attempt.slot, ticket, refused(ErrorCode::resources), kNow);
    pool.connected(pool.decide(ticket, kNow + 1s).slot, kNow + 1s);
    const auto waiting = pool.enter(kNow + 1s).value();
    EXPECT_EQ(pool.leave(waiting, kNow + 1s).message,
              "no connection became free before the deadline: 2 of 2 in use, 0 connecting, 1 callers waiting; raise "
              "max_connections or the deadline");
    pool.returned(attempt.slot, true, kNow + 1s);
    const auto next = pool.enter(kNow + 1s).value();
    pool.connect_failed(pool.decide(next, kNow + 1s).slot, next, refused(ErrorCode::resources), kNow + 1s);
    EXPECT_EQ(pool.leave(next, kNow + 2s).code, ErrorCode::resources);
}

TEST(PoolMachine, an_attempt_that_a_short_deadline_cut_counts_only_when_it_had_its_time) {
    PoolMachine pool(in_outages(2));
    const auto ticket = pool.enter(kNow).value();
    const auto decision = pool.decide(ticket, kNow);
    EXPECT_TRUE(pool.too_short(decision.slot, kNow + 50ms));
    EXPECT_FALSE(pool.too_short(decision.slot, kNow + 2s));
}

TEST(PoolMachine, an_attempt_that_was_cut_short_in_an_outage_reports_what_the_others_met) {
    LostServer lost(in_outages(2));
    PoolMachine& pool = lost.pool;
    const auto ticket = pool.enter(kNow).value();
    pool.connect_failed(pool.decide(ticket, kNow).slot, ticket, refused(), kNow);
    const auto again = pool.decide(ticket, kNow + 1s);
    ASSERT_EQ(again.what, Do::connect);
    const ErrorInfo error =
        pool.connect_abandoned(again.slot, make_error(ErrorCode::unavailable, "no answer within 0 ms"), kNow + 1s);
    EXPECT_THAT(error.message, testing::StartsWith("cannot connect (1.0 s ago); there was no connection"));
    EXPECT_EQ(pool.status().connecting, 0u);
}

TEST(PoolMachine, nobody_stays_in_line_and_no_slot_is_lost_whichever_attempt_fails) {
    // five callers; the attempt number `fails` and those after it fail until the server is back
    for (int fails = 1; fails <= 6; ++fails) {
        PoolMachine pool(in_outages(3, 2));
        std::deque<PoolMachine::Ticket> callers;
        std::vector<std::pair<std::size_t, PoolMachine::Ticket>> connecting;
        std::vector<std::size_t> held;
        for (int i = 0; i < 5; ++i) callers.push_back(pool.enter(kNow).value());
        PoolMachine::Time now = kNow;
        int attempts = 0, served = 0, failed = 0;
        for (int step = 0; step < 400 && served + failed < 5; ++step, now += 7ms) {
            for (std::size_t turn = callers.size(); turn > 0; --turn) {
                const auto ticket = callers.front();
                callers.pop_front();
                const auto decision = pool.decide(ticket, now);
                if (decision.what == Do::wait) callers.push_back(ticket);
                if (decision.what == Do::connect) connecting.emplace_back(decision.slot, ticket);
                if (decision.what == Do::use || decision.what == Do::check) held.push_back(decision.slot), ++served;
                if (decision.what == Do::fail) ++failed;
            }
            for (const auto& [slot, ticket] : std::exchange(connecting, {})) {
                const bool down = ++attempts >= fails && step < 60;
                if (down) {
                    pool.connect_failed(slot, ticket, refused(), now);
                    callers.push_back(ticket);
                } else {
                    pool.connected(slot, now);
                    held.push_back(slot), ++served;
                }
            }
            if (step % 3 == 2 && !held.empty()) pool.returned(held.back(), false, now), held.pop_back();
        }
        EXPECT_EQ(served + failed, 5) << fails;
        EXPECT_EQ(failed, fails == 1 ? 5 : 0) << fails;  // never reached, as against reached once
        for (const std::size_t slot : held) pool.returned(slot, false, now);
        const PoolStatus status = pool.status();
        EXPECT_EQ(status.waiting + status.connecting + status.in_use, 0u) << fails;
    }
}

TEST(PoolMachine, closes_surplus_connections_after_a_silence_oldest_first_and_keeps_one) {
    PoolMachine::Limits few = limits(3);
    few.max_idle = 10s;
    PoolMachine pool(few);
    const std::size_t one = open_one(pool), two = open_one(pool), three = open_one(pool);
    EXPECT_TRUE(pool.next_surplus().is_never());
    pool.returned(two, false, kNow);
    pool.returned(one, false, kNow + 1s);
    EXPECT_EQ(pool.next_surplus(), Deadline::at(kNow + 10s));
    EXPECT_FALSE(pool.take_surplus(kNow + 9s));
    EXPECT_EQ(pool.take_surplus(kNow + 20s), two);
    EXPECT_EQ(pool.take_surplus(kNow + 20s), one);
    EXPECT_FALSE(pool.take_surplus(kNow + 20s));
    pool.returned(three, false, kNow + 20s);
    EXPECT_TRUE(pool.next_surplus().is_never());
    EXPECT_EQ(pool.status().idle, 1u);
}

TEST(PoolMachine, keeps_idle_connections_when_told_so) {
    PoolMachine::Limits keeping = limits(3);
    keeping.max_idle = 0s;
    PoolMachine pool(keeping);
    const std::size_t one = open_one(pool), two = open_one(pool);
    pool.returned(one, false, kNow);
    pool.returned(two, false, kNow);
    EXPECT_TRUE(pool.next_surplus().is_never());
    EXPECT_FALSE(pool.take_surplus(kNow + 1'000h));
}

}  // namespace
}  // namespace stele
