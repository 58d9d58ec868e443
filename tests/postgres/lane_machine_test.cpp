#include "postgres/lane_machine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <random>
#include <vector>

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
    for (const auto& one : lane.finished()) all[one.ticket] = one.outcome;
    lane.finished().clear();
    return all;
}

void connect(LaneMachine& lane) {
    ASSERT_EQ(lane.next().what, Do::connect);
    lane.connected();
}

void send(LaneMachine& lane) {
    ASSERT_EQ(lane.next().what, Do::send);
    lane.sent();
}

/// Sends the group and answers it.
void answer(LaneMachine& lane, const std::vector<Reply>& replies) {
    send(lane);
    ASSERT_EQ(lane.next().what, Do::receive);
    lane.synced(replies);
}

/// A lane that is connected, with these requests queued; the first caller leads.
LaneMachine busy(LaneMachine::Limits limits, std::initializer_list<LaneMachine::Request> requests) {
    LaneMachine lane(limits);
    for (const auto& request : requests) lane.join(request);
    connect(lane);
    return lane;
}

TEST(LaneMachine, a_caller_alone_leads_is_answered_and_leaves_the_connection_to_others) {
    LaneMachine lane({});
    EXPECT_EQ(lane.join({.ticket = 1}), Joined::lead);
    connect(lane);
    answer(lane, {Reply::good});
    EXPECT_EQ(finished(lane), (std::map<Ticket, Outcome>{{1, Outcome::answered}}));
    EXPECT_EQ(lane.next().what, Do::leave);
    EXPECT_FALSE(lane.led());
    EXPECT_EQ(lane.join({.ticket = 2}), Joined::lead);
    connect(lane);
}

TEST(LaneMachine, those_who_come_meanwhile_are_sent_before_the_lead_goes_to_the_newest_of_them) {
    LaneMachine lane = busy({}, {{.ticket = 1}});
    send(lane);
    EXPECT_EQ(lane.join({.ticket = 2}), Joined::wait);
    EXPECT_EQ(lane.join({.ticket = 3}), Joined::wait);
    EXPECT_EQ(lane.next().what, Do::receive);
    lane.synced(std::vector{Reply::good});
    ASSERT_EQ(lane.next().what, Do::send);
    EXPECT_THAT(tickets(lane.group()), ElementsAre(2, 3));
    lane.sent();
    const LaneMachine::Action action = lane.next();
    EXPECT_EQ(action.what, Do::hand_over);
    EXPECT_EQ(action.to, 3u);
}

TEST(LaneMachine, on_a_long_way_those_who_come_meanwhile_are_sent_at_once) {
    LaneMachine lane = busy({}, {{.ticket = 1}});
    lane.set_flights(2);
    send(lane);
    lane.join({.ticket = 2});
    send(lane);
    lane.join({.ticket = 3});
    EXPECT_EQ(lane.next().what, Do::receive);  // two are under way, and no more may be
    EXPECT_THAT(tickets(lane.oldest()), ElementsAre(1));
    lane.synced(std::vector{Reply::good});
    EXPECT_EQ(lane.next().what, Do::send);
    EXPECT_THAT(tickets(lane.group()), ElementsAre(3));
    EXPECT_THAT(tickets(lane.oldest()), ElementsAre(2));
}

TEST(LaneMachine, after_an_error_those_behind_it_are_sent_again_in_their_order) {
    LaneMachine lane = busy({}, {{.ticket = 1}, {.ticket = 2}, {.ticket = 3}, {.ticket = 4}});
    answer(lane, {Reply::good, Reply::error, Reply::aborted, Reply::aborted});
    EXPECT_EQ(finished(lane), (std::map<Ticket, Outcome>{{1, Outcome::answered}, {2, Outcome::refused}}));
    EXPECT_EQ(lane.next().what, Do::send);
    EXPECT_THAT(tickets(lane.group()), ElementsAre(3, 4));
}

TEST(LaneMachine, an_error_among_writes_undoes_those_before_it_which_are_sent_again) {
    LaneMachine lane = busy({.writes = true}, {{.ticket = 1}, {.ticket = 2}, {.ticket = 3}});
    answer(lane, {Reply::good, Reply::error, Reply::aborted});
    EXPECT_EQ(finished(lane), (std::map<Ticket, Outcome>{{2, Outcome::refused}}));
    EXPECT_EQ(lane.next().what, Do::send);
    EXPECT_THAT(tickets(lane.group()), ElementsAre(1, 3));
}

TEST(LaneMachine, when_nobody_knows_who_is_guilty_each_is_tried_apart) {
    LaneMachine lane = busy({.writes = true}, {{.ticket = 1}, {.ticket = 2}});
    answer(lane, {Reply::apart, Reply::apart});
    ASSERT_EQ(lane.next().what, Do::send);
    EXPECT_THAT(tickets(lane.group()), ElementsAre(1));
    lane.sent();
    lane.synced(std::vector{Reply::good});
    ASSERT_EQ(lane.next().what, Do::send);
    EXPECT_THAT(tickets(lane.group()), ElementsAre(2));
}

TEST(LaneMachine, those_of_a_merged_statement_that_failed_are_sent_again_by_themselves) {
    LaneMachine lane = busy({}, {{.ticket = 1, .merges = true}, {.ticket = 2, .merges = true}});
    answer(lane, {Reply::split, Reply::split});
    ASSERT_EQ(lane.next().what, Do::send);
    EXPECT_THAT(tickets(lane.group()), ElementsAre(1, 2));
    EXPECT_FALSE(lane.group()[0].merges || lane.group()[1].merges);
}

TEST(LaneMachine, an_error_that_the_next_try_may_not_meet_is_tried_again_but_not_for_ever) {
    LaneMachine lane = busy({}, {{.ticket = 1}});
    for (int tries = 1; tries <= 3; ++tries) {
        EXPECT_TRUE(finished(lane).empty());
        answer(lane, {Reply::again});
    }
    EXPECT_EQ(finished(lane), (std::map<Ticket, Outcome>{{1, Outcome::refused}}));
}

TEST(LaneMachine, a_connection_that_dies_loses_what_may_have_run_and_repeats_the_rest_apart) {
    LaneMachine lane = busy({}, {{.ticket = 1}, {.ticket = 2, .repeatable = true}});
    send(lane);
    lane.join({.ticket = 3});  // not sent yet
    lane.lost({});
    EXPECT_EQ(finished(lane), (std::map<Ticket, Outcome>{{1, Outcome::lost}}));
    const LaneMachine::Action heir = lane.next();
    ASSERT_EQ(heir.what, Do::hand_over);
    EXPECT_EQ(heir.to, 3u);
    connect(lane);
    ASSERT_EQ(lane.next().what, Do::send);
    EXPECT_THAT(tickets(lane.group()), ElementsAre(2));  // perhaps it was what killed the connection
}

TEST(LaneMachine, a_request_that_kills_every_connection_is_given_up) {
    LaneMachine lane = busy({}, {{.ticket = 1, .repeatable = true}});
    for (int tries = 1; tries <= 3; ++tries) {
        EXPECT_TRUE(finished(lane).empty());
        if (tries > 1) connect(lane);
        send(lane);
        lane.lost({});
    }
    EXPECT_EQ(finished(lane), (std::map<Ticket, Outcome>{{1, Outcome::lost}}));
    EXPECT_EQ(lane.next().what, Do::leave);
}

TEST(LaneMachine, reads_on_connections_that_somebody_else_closes_are_sent_again_and_again) {
    LaneMachine lane = busy({}, {{.ticket = 1, .repeatable = true}});
    for (int tries = 1; tries <= 9; ++tries) {
        if (tries > 1) connect(lane);
        send(lane);
        lane.lost({}, true);
    }
    EXPECT_TRUE(finished(lane).empty());
}

TEST(LaneMachine, a_group_that_could_not_be_sent_did_not_run) {
    LaneMachine lane = busy({}, {{.ticket = 1}});
    ASSERT_EQ(lane.next().what, Do::send);
    lane.lost({});
    EXPECT_TRUE(finished(lane).empty());
    connect(lane);
    ASSERT_EQ(lane.next().what, Do::send);
    EXPECT_THAT(tickets(lane.group()), ElementsAre(1));
}

TEST(LaneMachine, without_a_connection_the_leader_is_told_so_and_the_next_one_tries) {
    LaneMachine lane({});
    lane.join({.ticket = 1});
    lane.join({.ticket = 2});
    ASSERT_EQ(lane.next().what, Do::connect);
    lane.refused();
    EXPECT_EQ(finished(lane), (std::map<Ticket, Outcome>{{1, Outcome::unsent}}));
    const LaneMachine::Action heir = lane.next();
    ASSERT_EQ(heir.what, Do::hand_over);
    EXPECT_EQ(heir.to, 2u);
    ASSERT_EQ(lane.next().what, Do::connect);
    lane.refused();
    EXPECT_EQ(lane.next().what, Do::leave);
}

TEST(LaneMachine, what_a_caller_who_gave_up_had_sent_is_drained_by_the_next) {
    LaneMachine lane = busy({}, {{.ticket = 1}});
    send(lane);
    lane.join({.ticket = 2});
    EXPECT_TRUE(lane.give_up(1));
    EXPECT_TRUE(lane.drains());
    EXPECT_EQ(lane.next().what, Do::hand_over);
    EXPECT_EQ(lane.next().what, Do::receive);
    lane.synced(std::vector{Reply::good});
    EXPECT_TRUE(finished(lane).empty());
    EXPECT_EQ(lane.next().what, Do::send);
    EXPECT_THAT(tickets(lane.group()), ElementsAre(2));
}

TEST(LaneMachine, a_connection_that_owes_answers_to_nobody_is_closed) {
    LaneMachine lane = busy({}, {{.ticket = 1}});
    send(lane);
    EXPECT_TRUE(lane.give_up(1));
    EXPECT_EQ(lane.next().what, Do::drop);
    EXPECT_EQ(lane.join({.ticket = 1}), Joined::lead);
    connect(lane);
}

TEST(LaneMachine, gives_the_connection_back_when_others_need_it_and_asks_for_another) {
    LaneMachine lane = busy({}, {{.ticket = 1}});
    send(lane);
    lane.join({.ticket = 2});
    lane.give_way();
    EXPECT_EQ(lane.next().what, Do::receive);
    lane.synced(std::vector{Reply::good});
    EXPECT_EQ(lane.next().what, Do::give_back);
    lane.given_back();
    EXPECT_EQ(lane.next().what, Do::hand_over);
    connect(lane);
    EXPECT_EQ(lane.next().what, Do::send);
}

TEST(LaneMachine, a_full_queue_takes_no_more) {
    LaneMachine lane({.queued = 2});
    lane.join({.ticket = 1});
    lane.join({.ticket = 2});
    EXPECT_EQ(lane.join({.ticket = 3}), Joined::full);
}

/// Callers, a connection and a server, one small step at a time in an order that a seed decides. A caller has one
/// ticket for all its calls.
class World {
public:
    explicit World(std::uint64_t seed)
        : random_(seed),
          writes_(chance(3)),
          patient_(chance(2)),
          lane_({.queued = 4 + pick(6), .group = 1 + pick(5), .writes = writes_}) {
        lane_.set_flights(1 + pick(3));
    }

    void run() {
        constexpr std::size_t kCallers = 7, kCalls = 6;
        for (std::size_t i = 0; i < kCallers; ++i) callers_.push_back({i + 1, kCalls, {}, false, {}});
        for (std::size_t steps = 0; !over(); ++steps) {
            ASSERT_LT(steps, 100'000u) << "nobody gets on";
            step(callers_[pick(callers_.size())]);
            if (testing::Test::HasFatalFailure()) return;
        }
        EXPECT_FALSE(lane_.led());
        EXPECT_EQ(lane_.queued(), 0u);
        EXPECT_FALSE(connected_) << "the connection was left behind";
        for (std::size_t i = 0; i < calls_.size(); ++i) {
            EXPECT_EQ(calls_[i].outcomes + calls_[i].given_up, 1) << i;
            if (!calls_[i].repeatable) {
                EXPECT_LE(calls_[i].ran, 1) << "a write ran twice";
            }
        }
    }

private:
    struct Call {
        bool repeatable = false, guilty = false;
        int outcomes = 0, given_up = 0, ran = 0;
    };
    struct Caller {
        Ticket ticket = 0;
        std::size_t left = 0;
        std::optional<std::size_t> call;  // under way
        bool leads = false;
        std::optional<LaneMachine::Action> doing;
    };
    using Calls = std::vector<std::size_t>;

    std::size_t pick(std::size_t count) { return static_cast<std::size_t>(random_() % count); }
    bool chance(std::size_t one_in) { return pick(one_in) == 0; }
    bool over() const {
        return std::all_of(callers_.begin(), callers_.end(),
                           [](const Caller& one) { return one.left == 0 && !one.call && !one.leads; });
    }
    Caller& caller(Ticket ticket) { return callers_.at(ticket - 1); }

    void step(Caller& caller) {
        if (caller.leads) {
            lead(caller);
        } else if (caller.call) {
            if (!patient_ && chance(40)) give_up(caller);
        } else if (caller.left > 0) {
            call(caller);
        }
    }

    void call(Caller& caller) {
        const bool repeatable = !writes_ && !chance(4);
        switch (lane_.join({.ticket = caller.ticket, .repeatable = repeatable, .apart = chance(12)})) {
            case Joined::full: return;
            case Joined::lead:
                ASSERT_EQ(leaders(), 0) << "two lead";
                caller.leads = true;
                break;
            case Joined::wait: break;
        }
        --caller.left;
        caller.call = calls_.size();
        calls_.push_back({repeatable, chance(9)});
    }

    void give_up(Caller& caller) {
        ++calls_[*caller.call].given_up;
        const bool must_lead = lane_.give_up(caller.ticket);
        ASSERT_EQ(must_lead, caller.leads);
        caller.call.reset();
    }

    int leaders() const {
        return static_cast<int>(
            std::count_if(callers_.begin(), callers_.end(), [](const Caller& one) { return one.leads; }));
    }

    void lead(Caller& caller) {
        if (!caller.doing) {
            if (caller.call && !patient_ && chance(60)) give_up(caller);
            if (chance(50)) lane_.give_way();
            begin(caller, lane_.next());
            return;
        }
        const LaneMachine::Action action = *std::exchange(caller.doing, std::nullopt);
        switch (action.what) {
            case Do::send:
                ASSERT_TRUE(connected_);
                if (chance(30)) {
                    sent_.pop_back();
                    cut();
                } else {
                    lane_.sent();
                }
                break;
            case Do::receive:
                ASSERT_TRUE(connected_);
                if (!chance(3)) receive();
                break;
            case Do::connect:
                ASSERT_FALSE(connected_);
                if (chance(3)) {
                    lane_.refused();
                } else {
                    lane_.connected();
                    connected_ = true;
                }
                break;
            case Do::give_back:
                lane_.given_back();
                ASSERT_TRUE(connected_ && sent_.empty());
                connected_ = false;
                break;
            case Do::hand_over:
            case Do::leave:
            case Do::drop: break;
        }
        settle();
    }

    /// The lead changes hands under the lock under which next() is called.
    void begin(Caller& caller, LaneMachine::Action action) {
        switch (action.what) {
            case Do::hand_over:
                caller.leads = false;
                ASSERT_TRUE(this->caller(action.to).call) << "the lead went to one who is gone";
                this->caller(action.to).leads = true;
                break;
            case Do::leave:
                caller.leads = false;
                ASSERT_TRUE(sent_.empty()) << "what is under way was forgotten";
                connected_ = false;
                break;
            case Do::drop:
                caller.leads = false;
                sent_.clear();
                connected_ = false;
                break;
            case Do::send:
                // who gives up while it is sent has it run all the same
                sent_.emplace_back();
                for (const auto& request : lane_.group()) sent_.back().push_back(*this->caller(request.ticket).call);
                caller.doing = action;
                break;
            case Do::connect:
            case Do::receive:
            case Do::give_back: caller.doing = action; break;
        }
    }

    /// As the server does it: one transaction, nothing behind an error.
    void receive() {
        bool failed = false;
        Calls done;
        std::vector<Reply> replies;
        for (const std::size_t one : sent_.front()) {
            if (chance(40)) {
                // it may have got any way with the group, committed included
                if (chance(2) && !failed) ran(done);
                return cut(replies);
            }
            const Reply reply = failed               ? Reply::aborted
                                : calls_[one].guilty ? Reply::error
                                : chance(50)         ? Reply::again
                                                     : Reply::good;
            failed = failed || reply != Reply::good;
            if (reply == Reply::good) done.push_back(one);
            replies.push_back(reply);
        }
        if (!failed || !writes_) ran(done);
        // a commit that fails for somebody's sake
        if (writes_ && !failed && replies.size() > 1 && chance(20)) {
            for (const std::size_t one : done) --calls_[one].ran;
            replies.assign(replies.size(), Reply::apart);
        }
        sent_.pop_front();
        lane_.synced(replies);
    }
    void ran(const Calls& all) {
        for (const std::size_t one : all) ++calls_[one].ran;
    }
    void cut(const std::vector<Reply>& replies = {}) {
        connected_ = false;
        lane_.lost(replies);
        sent_.clear();
    }

    void settle() {
        for (const LaneMachine::Finished& one : lane_.finished()) {
            Caller& asked = caller(one.ticket);
            ASSERT_TRUE(asked.call) << "an outcome for one who is gone";
            Call& call = calls_[*asked.call];
            ++call.outcomes;
            EXPECT_TRUE(one.outcome != Outcome::answered || call.ran >= 1) << "acknowledged, but not done";
            EXPECT_TRUE(one.outcome != Outcome::refused || call.ran == 0 || call.repeatable) << "refused, but done";
            EXPECT_TRUE(one.outcome != Outcome::unsent || call.ran == 0 || call.repeatable) << "not sent, but done";
            asked.call.reset();
        }
        lane_.finished().clear();
    }

    std::mt19937_64 random_;
    bool writes_;
    bool patient_;  // nobody gives up, so that whoever is forgotten waits for ever
    LaneMachine lane_;
    std::vector<Caller> callers_;
    std::vector<Call> calls_;
    std::deque<Calls> sent_;  // what the server has got, group by group
    bool connected_ = false;
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
