#include "postgres/connect_machine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "base/result.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using Do = ConnectMachine::Do;
using Poll = ConnectMachine::Poll;
using Time = ConnectMachine::Time;

const Time kStart{1'000h};

ErrorInfo refused() {
    ErrorInfo error = make_error(ErrorCode::unavailable, "refused");
    error.retry = Retry::call;
    return error;
}

ConnectMachine::Limits limits() {
    ConnectMachine::Limits limits;
    limits.attempt = 1'000ms;
    return limits;
}

TEST(ConnectMachine, goes_from_start_through_polling_and_set_up_to_use) {
    ConnectMachine machine(limits(), Deadline::at(kStart + 10s));
    EXPECT_EQ(machine.begin(kStart).what, Do::start);
    EXPECT_EQ(machine.polled(Poll::writing, kStart).what, Do::wait_writable);
    EXPECT_EQ(machine.polled(Poll::reading, kStart).what, Do::wait_readable);
    EXPECT_EQ(machine.polled(Poll::ok, kStart).what, Do::set_up);
    EXPECT_EQ(machine.set_up(kStart).what, Do::use);
}

TEST(ConnectMachine, one_attempt_ends_at_its_own_limit_or_at_the_deadline_whichever_is_first) {
    ConnectMachine generous(limits(), Deadline::at(kStart + 10s));
    EXPECT_EQ(generous.begin(kStart).until, Deadline::at(kStart + 1s));
    ConnectMachine hurried(limits(), Deadline::at(kStart + 10ms));
    EXPECT_EQ(hurried.begin(kStart).until, Deadline::at(kStart + 10ms));
}

TEST(ConnectMachine, gives_up_with_the_error_of_whatever_step_failed) {
    using Step = std::function<void(ConnectMachine&)>;
    const std::vector<Step> steps = {[](ConnectMachine& m) { m.polled(Poll::writing, kStart); },
                                     [](ConnectMachine& m) { m.polled(Poll::reading, kStart); },
                                     [](ConnectMachine& m) { m.polled(Poll::ok, kStart); }};
    for (std::size_t cut = 0; cut <= steps.size(); ++cut) {
        ConnectMachine machine(limits(), Deadline::at(kStart + 10s));
        machine.begin(kStart);
        for (std::size_t i = 0; i < cut; ++i) steps[i](machine);
        EXPECT_EQ(machine.failed(refused()).what, Do::give_up) << cut;
        EXPECT_EQ(machine.error().message, "refused") << cut;
    }
}

TEST(ConnectMachine, an_attempt_without_an_answer_is_an_outage) {
    ConnectMachine machine(limits(), Deadline::at(kStart + 10s));
    machine.begin(kStart);
    EXPECT_EQ(machine.polled(Poll::reading, kStart + 2s).what, Do::give_up);
    EXPECT_EQ(machine.error().code, ErrorCode::unavailable);
    EXPECT_THAT(machine.error().message, testing::HasSubstr("2000 ms"));
}

TEST(ConnectMachine, goes_to_another_server_at_once_when_one_does_not_answer) {
    ConnectMachine machine(limits(), Deadline::at(kStart + 10s));
    machine.begin(kStart);
    const ConnectMachine::Action next = machine.timed_out(kStart + 1s, true);
    EXPECT_EQ(next.what, Do::start);
    EXPECT_EQ(next.until, Deadline::at(kStart + 2s));
    EXPECT_EQ(machine.timed_out(kStart + 10s, true).what, Do::give_up);
}

TEST(ConnectMachine, gives_each_server_of_an_attempt_the_same_time) {
    ConnectMachine machine(limits(), Deadline::at(kStart + 10s));
    machine.begin(kStart);
    machine.next_server(kStart + 900ms);
    const ConnectMachine::Action wait = machine.polled(Poll::reading, kStart + 1500ms);
    EXPECT_EQ(wait.what, Do::wait_readable);
    EXPECT_EQ(wait.until, Deadline::at(kStart + 1900ms));
}

}  // namespace
}  // namespace stele
