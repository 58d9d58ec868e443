#include "postgres/lane_machine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

namespace stele {
namespace {

using Do = LaneMachine::Do;
using Joined = LaneMachine::Joined;
using Outcome = LaneMachine::Outcome;
using Reply = LaneMachine::Reply;
using Ticket = LaneMachine::Ticket;
using testing::ElementsAre;

std::vector<Ticket> tickets(std::span<const LaneMachine::Request> requests) {
    std::vector<Ticket> all;
    for (const auto& request : requests) all.push_back(request.ticket);
    return all;
}

std::map<Ticket, Outcome> finished(LaneMachine& lane) {
    std::map<Ticket, Outcome> all;
    for (const auto& one : lane.take_finished()) all[one.ticket] = one.outcome;
    return all;
}

/// Sends the group and answers it.
void answer(LaneMachine& lane, std::initializer_list<Reply> replies) {
    ASSERT_EQ(lane.next().what, Do::send);
    lane.sent();
    ASSERT_EQ(lane.next().what, Do::receive);
    for (const Reply reply : replies) lane.replied(reply);
    lane.synced();
}

TEST(LaneMachine, a_caller_alone_leads_is_answered_and_leaves) {
    LaneMachine lane({});
    EXPECT_EQ(lane.join({1, true}), Joined::lead);
    answer(lane, {Reply::good});
    EXPECT_EQ(finished(lane), (std::map<Ticket, Outcome>{{1, Outcome::answered}}));
    EXPECT_EQ(lane.next().what, Do::leave);
    EXPECT_FALSE(lane.led());
    EXPECT_EQ(lane.join({2, true}), Joined::lead);
}

TEST(LaneMachine, those_who_come_meanwhile_are_sent_before_the_lead_goes_to_the_newest_of_them) {
    LaneMachine lane({});
    lane.join({1, true});
    ASSERT_EQ(lane.next().what, Do::send);
    lane.sent();
    EXPECT_EQ(lane.join({2, true}), Joined::wait);
    EXPECT_EQ(lane.join({3, true}), Joined::wait);
    EXPECT_EQ(lane.next().what, Do::receive);
    lane.replied(Reply::good);
    lane.synced();
    ASSERT_EQ(lane.next().what, Do::send);
    EXPECT_THAT(tickets(lane.group()), ElementsAre(2, 3));
    lane.sent();
    const LaneMachine::Action action = lane.next();
    EXPECT_EQ(action.what, Do::hand_over);
    EXPECT_EQ(action.to, 3u);
}

TEST(LaneMachine, after_an_error_those_behind_it_are_sent_again_in_their_order) {
    LaneMachine lane({});
    lane.join({1, false});
    for (Ticket ticket = 2; ticket <= 4; ++ticket) lane.join({ticket, false});
    answer(lane, {Reply::good, Reply::error, Reply::aborted, Reply::aborted});
    EXPECT_EQ(finished(lane), (std::map<Ticket, Outcome>{{1, Outcome::answered}, {2, Outcome::refused}}));
    EXPECT_EQ(lane.next().what, Do::send);
    EXPECT_THAT(tickets(lane.group()), ElementsAre(3, 4));
}

TEST(LaneMachine, an_error_among_writes_undoes_those_before_it_which_are_sent_again) {
    LaneMachine lane({.writes = true});
    lane.join({1, false});
    for (Ticket ticket = 2; ticket <= 3; ++ticket) lane.join({ticket, false});
    answer(lane, {Reply::good, Reply::error, Reply::aborted});
    EXPECT_EQ(finished(lane), (std::map<Ticket, Outcome>{{2, Outcome::refused}}));
    EXPECT_EQ(lane.next().what, Do::send);
    EXPECT_THAT(tickets(lane.group()), ElementsAre(1, 3));
}

TEST(LaneMachine, a_connection_that_dies_loses_what_may_have_run_and_repeats_the_rest) {
    LaneMachine lane({});
    lane.join({1, false});
    lane.join({2, true});
    ASSERT_EQ(lane.next().what, Do::send);
    lane.sent();
    lane.join({3, false});  // not sent yet
    lane.lost();
    EXPECT_EQ(finished(lane), (std::map<Ticket, Outcome>{{1, Outcome::lost}}));
    const LaneMachine::Action heir = lane.next();
    ASSERT_EQ(heir.what, Do::hand_over);
    EXPECT_EQ(lane.next().what, Do::reconnect);
    lane.reconnected();
    EXPECT_EQ(lane.next().what, Do::send);
    EXPECT_THAT(tickets(lane.group()), ElementsAre(2, 3));
}

TEST(LaneMachine, without_a_connection_all_who_wait_are_told_so) {
    LaneMachine lane({});
    lane.join({1, true});
    lane.join({2, false});
    ASSERT_EQ(lane.next().what, Do::send);
    lane.lost();
    EXPECT_EQ(finished(lane), (std::map<Ticket, Outcome>{{2, Outcome::lost}}));
    ASSERT_EQ(lane.next().what, Do::reconnect);
    lane.refused();
    EXPECT_EQ(finished(lane), (std::map<Ticket, Outcome>{{1, Outcome::unsent}}));
    EXPECT_EQ(lane.next().what, Do::leave);
}

TEST(LaneMachine, what_a_caller_who_gave_up_had_sent_is_drained_by_the_next) {
    LaneMachine lane({});
    lane.join({1, true});
    ASSERT_EQ(lane.next().what, Do::send);
    lane.sent();
    EXPECT_TRUE(lane.give_up(1));
    EXPECT_EQ(lane.next().what, Do::leave);
    EXPECT_EQ(lane.join({2, true}), Joined::lead);
    EXPECT_EQ(lane.next().what, Do::receive);
    lane.replied(Reply::good);
    lane.synced();
    EXPECT_TRUE(finished(lane).empty());
    EXPECT_EQ(lane.next().what, Do::send);
    EXPECT_THAT(tickets(lane.group()), ElementsAre(2));
}

TEST(LaneMachine, a_full_queue_takes_no_more) {
    LaneMachine lane({.queued = 2});
    lane.join({1, true});
    lane.join({2, true});
    EXPECT_EQ(lane.join({3, true}), Joined::full);
}

/// Callers, a connection and a server, one small step at a time in an order that a seed decides.
class World {
public:
    explicit World(std::uint64_t seed)
        : random_(seed),
          writes_(chance(3)),
          patient_(chance(2)),
          lane_({.queued = 4 + pick(6), .group = 1 + pick(5), .writes = writes_}) {}

    void run() {
        constexpr std::size_t kCallers = 7, kCalls = 6;
        for (std::size_t i = 0; i < kCallers; ++i) callers_.push_back({.left = kCalls, .doing = {}});
        for (std::size_t steps = 0; !over(); ++steps) {
            ASSERT_LT(steps, 100'000u) << "nobody gets on";
            step(callers_[pick(callers_.size())]);
            if (testing::Test::HasFatalFailure()) return;
        }
        EXPECT_FALSE(lane_.led());
        EXPECT_EQ(lane_.queued(), 0u);
        for (const auto& [ticket, call] : calls_) {
            EXPECT_EQ(call.outcomes + call.given_up, 1) << ticket;
            if (!call.repeatable) {
                EXPECT_LE(call.ran, 1) << "a write ran twice";
            }
        }
    }

private:
    struct Call {
        bool repeatable = false, guilty = false;
        int outcomes = 0, given_up = 0, ran = 0;
    };
    struct Caller {
        std::size_t left = 0;
        Ticket ticket = 0;  // 0: between two calls
        bool leads = false;
        std::optional<LaneMachine::Action> doing;
    };

    std::size_t pick(std::size_t count) { return static_cast<std::size_t>(random_() % count); }
    bool chance(std::size_t one_in) { return pick(one_in) == 0; }
    bool over() const {
        return std::all_of(callers_.begin(), callers_.end(),
                           [](const Caller& one) { return one.left == 0 && one.ticket == 0 && !one.leads; });
    }

    void step(Caller& caller) {
        if (caller.leads) {
            lead(caller);
        } else if (caller.ticket != 0) {
            if (!patient_ && chance(40)) give_up(caller);
        } else if (caller.left > 0) {
            call(caller);
        }
    }

    void call(Caller& caller) {
        const Ticket ticket = ++last_ticket_;
        const bool repeatable = !writes_ && !chance(4);
        switch (lane_.join({ticket, repeatable})) {
            case Joined::full: return;
            case Joined::lead:
                ASSERT_EQ(leaders(), 0) << "two lead";
                caller.leads = true;
                break;
            case Joined::wait: break;
        }
        --caller.left;
        caller.ticket = ticket;
        calls_[ticket] = {repeatable, chance(9)};
    }

    void give_up(Caller& caller) {
        ++calls_[caller.ticket].given_up;
        const bool must_lead = lane_.give_up(caller.ticket);
        ASSERT_EQ(must_lead, caller.leads);
        caller.ticket = 0;
    }

    int leaders() const {
        return static_cast<int>(
            std::count_if(callers_.begin(), callers_.end(), [](const Caller& one) { return one.leads; }));
    }

    void lead(Caller& caller) {
        if (!caller.doing) {
            if (caller.ticket != 0 && !patient_ && chance(60)) give_up(caller);
            begin(caller, lane_.next());
            return;
        }
        const LaneMachine::Action action = *std::exchange(caller.doing, std::nullopt);
        switch (action.what) {
            case Do::send:
                if (chance(30)) {
                    cut();
                } else {
                    lane_.sent();
                }
                break;
            case Do::receive: receive(); break;
            case Do::reconnect:
                if (chance(3)) {
                    lane_.refused();
                } else {
                    lane_.reconnected();
                }
                break;
            case Do::hand_over:
            case Do::leave: break;
        }
        settle();
    }

    /// The lead changes hands under the lock under which next() is called.
    void begin(Caller& caller, LaneMachine::Action action) {
        if (action.what != Do::hand_over && action.what != Do::leave) {
            caller.doing = action;
            return;
        }
        caller.leads = false;
        if (action.what == Do::leave) return;
        const auto heir =
            std::find_if(callers_.begin(), callers_.end(), [&](const Caller& one) { return one.ticket == action.to; });
        ASSERT_NE(heir, callers_.end()) << "the lead went to one who is gone";
        heir->leads = true;
    }

    /// As the server does it: one transaction, nothing behind an error.
    void receive() {
        bool failed = false;
        std::vector<Ticket> done;
        for (const LaneMachine::Request& request : lane_.group()) {
            if (chance(40)) {
                // it may have got any way with the group, committed included
                if (chance(2) && !failed) ran(done);
                return cut();
            }
            Call& call = calls_[request.ticket];
            const Reply reply = failed ? Reply::aborted : (call.guilty ? Reply::error : Reply::good);
            failed = failed || reply == Reply::error;
            if (reply == Reply::good) done.push_back(request.ticket);
            lane_.replied(reply);
        }
        if (!failed || !writes_) ran(done);
        lane_.synced();
    }
    void ran(const std::vector<Ticket>& all) {
        for (const Ticket one : all) ++calls_[one].ran;
    }
    void cut() { lane_.lost(); }

    void settle() {
        for (const LaneMachine::Finished& one : lane_.take_finished()) {
            Call& call = calls_[one.ticket];
            ++call.outcomes;
            EXPECT_TRUE(one.outcome != Outcome::answered || call.ran >= 1) << "acknowledged, but not done";
            EXPECT_TRUE(one.outcome != Outcome::refused || call.guilty) << "blamed for another's error";
            EXPECT_TRUE(one.outcome != Outcome::unsent || call.repeatable || call.ran == 0) << "did run";
            const auto caller = std::find_if(callers_.begin(), callers_.end(),
                                             [&](const Caller& asked) { return asked.ticket == one.ticket; });
            ASSERT_NE(caller, callers_.end());
            caller->ticket = 0;
        }
    }

    std::mt19937_64 random_;
    bool writes_;
    bool patient_;  // nobody gives up, so that whoever is forgotten waits for ever
    LaneMachine lane_;
    std::vector<Caller> callers_;
    std::map<Ticket, Call> calls_;
    Ticket last_ticket_ = 0;
};

TEST(LaneMachine, loses_repeats_and_mixes_up_nothing_in_thousands_of_orders) {
    for (std::uint64_t seed = 1; seed <= 5'000; ++seed) {
        SCOPED_TRACE(seed);
        World(seed).run();
        if (HasFailure()) return;
    }
}

}  // namespace
}  // namespace stele
