#include "postgres/outage.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/result.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using Time = Outage::Time;

const Time kNow{1'000h};

ErrorInfo refused(Retry retry = Retry::call, std::string sqlstate = {}) {
    ErrorInfo error = make_error(ErrorCode::unavailable, "refused");
    error.retry = retry;
    error.sqlstate = std::move(sqlstate);
    return error;
}

Outage::Limits limits() {
    Outage::Limits limits;
    limits.first_pause = 20ms;
    limits.max_pause = 100ms;
    limits.patience = 1s;
    return limits;
}

TEST(Outage, begins_with_a_failure_and_ends_with_a_success) {
    Outage outage(limits());
    EXPECT_FALSE(outage.active(kNow));
    outage.failed(refused(), kNow);
    EXPECT_TRUE(outage.active(kNow));
    outage.succeeded();
    EXPECT_FALSE(outage.active(kNow));
}

TEST(Outage, pauses_longer_after_each_failure_up_to_its_maximum) {
    for (std::uint32_t seed = 1; seed < 50; ++seed) {
        Outage outage(limits(), seed);
        Time now = kNow;
        for (const auto step : {20ms, 40ms, 80ms, 100ms, 100ms}) {
            outage.failed(refused(), now);
            EXPECT_GE(outage.next_attempt() - now, step / 2);
            EXPECT_LE(outage.next_attempt() - now, step);
            now = outage.next_attempt();
        }
    }
}

TEST(Outage, two_clients_do_not_come_back_together) {
    Outage one(limits(), 1), two(limits(), 2);
    bool apart = false;
    Time now = kNow;
    for (int i = 0; i < 5; ++i, now += 1s) {
        one.failed(refused(), now);
        two.failed(refused(), now);
        apart = apart || one.next_attempt() != two.next_attempt();
    }
    EXPECT_TRUE(apart);
}

TEST(Outage, is_waited_for_until_it_has_lasted_as_long_as_the_patience) {
    Outage outage(limits());
    outage.succeeded();
    outage.failed(refused(), kNow);
    outage.failed(refused(), kNow + 500ms);
    EXPECT_EQ(outage.patient_until(), kNow + 1s);
    outage.succeeded();
    outage.failed(refused(), kNow + 5s);
    EXPECT_EQ(outage.patient_until(), kNow + 6s);
}

TEST(Outage, of_a_server_that_was_never_reached_is_waited_for_only_while_it_says_that_it_starts) {
    Outage outage(limits());
    outage.failed(refused(), kNow);
    EXPECT_EQ(outage.patient_until(), Time::min());
    outage.failed(refused(Retry::call, "57P03"), kNow);
    EXPECT_EQ(outage.patient_until(), Time::max());
}

TEST(Outage, of_a_server_of_our_own_is_waited_for_from_the_first) {
    Outage::Limits own = limits();
    own.trusts = true;
    Outage outage(own);
    outage.failed(refused(), kNow);
    EXPECT_EQ(outage.patient_until(), Time::max());
}

TEST(Outage, that_waiting_does_not_mend_is_not_waited_for) {
    Outage outage(limits());
    outage.succeeded();
    outage.failed(refused(Retry::no), kNow);
    EXPECT_EQ(outage.patient_until(), Time::min());
    EXPECT_GT(outage.next_attempt(), kNow);
}

TEST(Outage, is_forgotten_when_nobody_tried_for_a_minute) {
    Outage outage(limits());
    outage.succeeded();
    outage.failed(refused(), kNow);
    EXPECT_TRUE(outage.active(kNow + 60s));
    EXPECT_FALSE(outage.active(kNow + 61s));
    outage.failed(refused(), kNow + 1h);
    EXPECT_EQ(outage.patient_until(), kNow + 1h + 1s);
    EXPECT_LE(outage.next_attempt(), kNow + 1h + 20ms);
}

TEST(Outage, says_how_often_and_since_when_it_was_tried) {
    Outage outage(limits());
    EXPECT_EQ(outage.remark(kNow), "");
    outage.failed(refused(), kNow);
    EXPECT_EQ(outage.explain(kNow).message, "refused");
    EXPECT_EQ(outage.explain(kNow + 300ms).message, "refused (300 ms ago)");
    outage.failed(refused(), kNow + 2'500ms);
    EXPECT_EQ(outage.explain(kNow + 2'540ms).message, "refused (2 attempts in 2.5 s, the last 40 ms ago)");
    EXPECT_EQ(outage.remark(kNow + 2'540ms),
              "; a new connection was refused (2 attempts in 2.5 s, the last 40 ms ago): refused");
}

}  // namespace
}  // namespace stele
