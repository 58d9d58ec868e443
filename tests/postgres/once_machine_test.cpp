#include "postgres/once_machine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <vector>

namespace stele {
namespace {

using namespace std::chrono_literals;
using Do = OnceMachine::Do;
using Time = OnceMachine::Time;

const Time kNow{1'000h};

ErrorInfo error(ErrorCode code, Retry retry, bool in_doubt = false) {
    ErrorInfo info = make_error(code, "it failed");
    info.retry = retry;
    info.in_doubt = in_doubt;
    return info;
}

enum class Fault { serialization, away, lost_before_commit, lost_after_commit, refused };

ErrorInfo error_of(Fault fault, bool committing) {
    switch (fault) {
        case Fault::serialization: return error(ErrorCode::serialization, Retry::transaction);
        case Fault::away: return error(ErrorCode::unavailable, Retry::call);
        case Fault::lost_before_commit:
        case Fault::lost_after_commit:
            if (committing) return error(ErrorCode::in_doubt, Retry::no, true);
            return error(ErrorCode::unavailable, Retry::transaction);
        case Fault::refused: return error(ErrorCode::constraint_violation, Retry::no);
    }
    return {};
}

/// The server: whether the id is there, and how often the work was committed.
struct World {
    bool noted = false;
    int effects = 0;
};

struct Outcome {
    Do end = Do::fail;
    ErrorInfo error;
    int steps = 0;
};

/// Drives a machine; step number i (from 0) fails with faults[i], where there is one.
Outcome drive(World& world, const std::vector<std::optional<Fault>>& faults) {
    OnceMachine machine(3, Deadline::at(kNow + 10s));
    Outcome outcome;
    Time now = kNow;
    auto action = machine.begin();
    while (outcome.steps < 1'000) {
        switch (action.what) {
            case Do::sleep:
                EXPECT_GT(action.until, Deadline::at(now));
                now = action.until.point();
                action = machine.slept();
                continue;
            case Do::succeed:
            case Do::give_back: outcome.end = action.what; return outcome;
            case Do::fail: outcome.error = machine.error(); return outcome;
            default: break;
        }
        const auto step = static_cast<std::size_t>(outcome.steps++);
        const auto fault = step < faults.size() ? faults[step] : std::nullopt;
        const bool committing = action.what == Do::commit;
        if (committing && (!fault || *fault == Fault::lost_after_commit)) {
            world.noted = true;
            ++world.effects;
        }
        if (fault) {
            action = machine.failed(error_of(*fault, committing), now);
        } else if (action.what == Do::claim) {
            action = world.noted ? machine.found() : machine.claimed();
        } else {
            action = committing ? machine.committed() : machine.worked();
        }
    }
    ADD_FAILURE() << "it does not end";
    return outcome;
}

TEST(OnceMachine, claims_works_and_commits) {
    World world;
    const Outcome outcome = drive(world, {});
    EXPECT_EQ(outcome.end, Do::succeed);
    EXPECT_EQ(outcome.steps, 3);
    EXPECT_EQ(world.effects, 1);
}

TEST(OnceMachine, gives_back_what_was_done_before_without_working) {
    World world{true, 1};
    const Outcome outcome = drive(world, {});
    EXPECT_EQ(outcome.end, Do::give_back);
    EXPECT_EQ(outcome.steps, 1);
    EXPECT_EQ(world.effects, 1);
}

TEST(OnceMachine, happens_once_and_never_lies_whichever_steps_fail_and_however) {
    const std::vector<std::optional<Fault>> kinds = {
        std::nullopt,  Fault::serialization, Fault::away, Fault::lost_before_commit, Fault::lost_after_commit,
        Fault::refused};
    constexpr std::size_t kSteps = 6;
    std::size_t runs = 0;
    std::vector<std::size_t> choice(kSteps, 0);
    for (bool more = true; more; ++runs) {
        std::vector<std::optional<Fault>> faults;
        for (const std::size_t kind : choice) faults.push_back(kinds[kind]);
        World world;
        const Outcome first = drive(world, faults);
        const bool said_done = first.end != Do::fail;
        ASSERT_LE(world.effects, 1);
        if (said_done) {
            ASSERT_EQ(world.effects, 1);
        }
        if (!said_done && !first.error.in_doubt) {
            ASSERT_EQ(world.effects, 0);
        }
        if (first.error.in_doubt) {
            ASSERT_EQ(first.error.retry, Retry::call);
        }
        // the caller sends it again, and it is done, once
        const Outcome second = drive(world, {});
        ASSERT_NE(second.end, Do::fail);
        ASSERT_EQ(world.effects, 1);
        std::size_t at = 0;
        while (at < kSteps && ++choice[at] == kinds.size()) choice[at++] = 0;
        more = at < kSteps;
    }
    EXPECT_EQ(runs, 46'656u);  // 6 kinds at 6 steps
}

TEST(OnceMachine, a_commit_in_doubt_is_asked_about_beyond_the_number_of_attempts) {
    World world;
    std::vector<std::optional<Fault>> faults = {std::nullopt, std::nullopt, Fault::lost_after_commit};
    faults.insert(faults.end(), 10, Fault::away);
    const Outcome outcome = drive(world, faults);
    EXPECT_EQ(outcome.end, Do::give_back);
    EXPECT_EQ(world.effects, 1);
}

TEST(OnceMachine, stops_at_the_deadline_and_says_what_to_do) {
    OnceMachine machine(3, Deadline::at(kNow + 100ms));
    machine.begin();
    machine.claimed();
    machine.worked();
    auto action = machine.failed(error_of(Fault::lost_after_commit, true), kNow);
    Time now = kNow;
    while (action.what == Do::sleep) {
        now = action.until.point();
        machine.slept();
        action = machine.failed(error_of(Fault::away, false), now);
    }
    ASSERT_EQ(action.what, Do::fail);
    EXPECT_LT(now, kNow + 100ms);
    EXPECT_EQ(machine.error().code, ErrorCode::in_doubt);
    EXPECT_TRUE(machine.error().in_doubt);
    EXPECT_EQ(machine.error().retry, Retry::call);
    EXPECT_THAT(machine.error().message, testing::HasSubstr("send it again with the same id"));
}

TEST(OnceMachine, what_another_database_leaves_in_doubt_inside_the_work_is_the_caller_s_own_affair) {
    OnceMachine machine(3, Deadline::at(kNow + 10s));
    machine.begin();
    machine.claimed();
    EXPECT_EQ(machine.failed(error(ErrorCode::unavailable, Retry::no, true), kNow).what, Do::fail);
    EXPECT_EQ(machine.error().code, ErrorCode::unavailable);
    EXPECT_TRUE(machine.error().in_doubt);
}

TEST(OperationId, is_valid_for_a_week_by_its_own_time) {
    const Uuid id = Uuid::v7();
    const auto now = std::chrono::system_clock::now();
    EXPECT_TRUE(check_operation_id(id, now));
    EXPECT_TRUE(check_operation_id(id, now + 167h));
    EXPECT_TRUE(check_operation_id(id, now - 23h));
    const auto old = check_operation_id(id, now + 169h);
    ASSERT_FALSE(old);
    EXPECT_EQ(old.error().code, ErrorCode::invalid_argument);
    EXPECT_THAT(old.error().message, testing::HasSubstr("is 16"));
    EXPECT_THAT(check_operation_id(id, now - 25h).error().message, testing::HasSubstr("in the future"));
}

TEST(OperationId, is_a_version_7_uuid) {
    Uuid id = Uuid::v7();
    id.bytes[6] = 0x40;
    const auto refused = check_operation_id(id, std::chrono::system_clock::now());
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, testing::HasSubstr("Uuid::v7()"));
    EXPECT_FALSE(check_operation_id(Uuid{}, std::chrono::system_clock::now()));
}

}  // namespace
}  // namespace stele
