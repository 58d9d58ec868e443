// The lane's machine among callers, a connection and a server: one small step at a time, in the order of a seed.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "postgres/lane_machine.hpp"

namespace stele {
namespace {

using Do = LaneMachine::Do;
using Joined = LaneMachine::Joined;
using Outcome = LaneMachine::Outcome;
using Reply = LaneMachine::Reply;
using Ticket = LaneMachine::Ticket;

/// A caller has one ticket for all its calls.
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
