#include "cache/once/flight.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <stdexcept>

#include "gate.hpp"
#include "support/eventually.hpp"
#include "support/server.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::error_of;
using test::Gate;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class FlightTest : public ::testing::Test {
protected:
    Flights::Joined join(Deadline deadline = Deadline::after(1h)) {
        return flights.join("key", "the answer", deadline, std::thread::id());
    }
    static void fail(Flight& flight, const std::string& why) {
        try {
            throw std::runtime_error(why);
        } catch (...) {
            flight.fail();
        }
    }
    static std::shared_ptr<const SharedAnswer> answer(const std::string& text) {
        SharedAnswer shared;
        shared.answer.response = text;
        return std::make_shared<const SharedAnswer>(std::move(shared));
    }

    Flights flights;
};

TEST_F(FlightTest, the_first_leads_and_the_others_follow_until_it_lands) {
    Flights::Joined first = join();
    ASSERT_TRUE(first.lead);
    const Flights::Joined second = join();
    EXPECT_FALSE(second.lead);
    EXPECT_EQ(second.flight, first.flight);
    first.lead->land();
    EXPECT_TRUE(join().lead);
}

TEST_F(FlightTest, a_late_reader_gets_what_was_written_before_and_reads_along_then) {
    Flights::Joined joined = join();
    joined.flight->stream().write("one ");
    joined.flight->stream().write("two ");
    Gate has_read;
    std::vector<std::string> pieces;
    auto follower = std::async(std::launch::async, [&] {
        return joined.flight->follow(Deadline::never(), [&](std::string_view piece) {
            pieces.emplace_back(piece);
            if (pieces.size() == 1) has_read.open();
        });
    });
    has_read.wait();
    joined.flight->stream().write("three");
    ASSERT_TRUE(test::eventually([&] { return joined.flight->stream().size() == 13; }));
    joined.lead->land();
    joined.flight->succeed(answer("one two three"));
    EXPECT_EQ(follower.get()->answer.response, "one two three");
    EXPECT_THAT(pieces, ElementsAre("one two ", "three"));
}

TEST_F(FlightTest, what_fails_before_anything_was_read_fails_alike_for_all) {
    Flights::Joined joined = join();
    fail(*joined.flight, "no model");
    for (int i = 0; i < 2; ++i) {
        EXPECT_THROW(joined.flight->follow(Deadline::never(), {}), std::runtime_error);
        EXPECT_THROW(joined.flight->follow(Deadline::never(), [](std::string_view) {}), std::runtime_error);
    }
}

TEST_F(FlightTest, who_has_read_a_part_is_told_how_much_and_why) {
    Flights::Joined joined = join();
    joined.flight->stream().write("half an");
    fail(*joined.flight, "no model");
    try {
        joined.flight->follow(Deadline::never(), [](std::string_view) {});
        FAIL();
    } catch (const IncompleteAnswer& error) {
        EXPECT_EQ(error.bytes(), 7U);
        EXPECT_EQ(error.retry(), Retry::call);
        EXPECT_THAT(error.what(), HasSubstr("after 7 bytes"));
        EXPECT_THAT(error.what(), HasSubstr("no model"));
        EXPECT_THROW(std::rethrow_exception(error.cause()), std::runtime_error);
    }
}

TEST_F(FlightTest, where_the_leader_gives_up_the_next_may_lead_unless_it_has_read_a_part) {
    Flights::Joined joined = join();
    joined.lead.reset();
    EXPECT_EQ(joined.flight->follow(Deadline::never(), {}), nullptr);
    Flights::Joined again = join();
    ASSERT_TRUE(again.lead);
    again.flight->stream().write("half");
    again.lead.reset();
    EXPECT_THROW(again.flight->follow(Deadline::never(), [](std::string_view) {}), IncompleteAnswer);
}

TEST_F(FlightTest, a_deadline_ends_the_wait_of_its_caller_alone) {
    Flights::Joined joined = join();
    EXPECT_EQ(error_of([&] { joined.flight->follow(Deadline::after(1ms), {}); }).code, ErrorCode::deadline_exceeded);
    joined.flight->stream().write("part");
    std::string read;
    const ErrorInfo error =
        error_of([&] { joined.flight->follow(Deadline::after(1ms), [&](std::string_view piece) { read += piece; }); });
    EXPECT_EQ(error.code, ErrorCode::deadline_exceeded);
    EXPECT_THAT(error.message, HasSubstr("4 bytes"));
    joined.lead->land();
    joined.flight->succeed(answer("part of it"));
    EXPECT_EQ(joined.flight->follow(Deadline::never(), {})->answer.response, "part of it");
}

TEST_F(FlightTest, what_a_reader_throws_ends_its_own_call) {
    Flights::Joined joined = join();
    joined.flight->stream().write("part");
    EXPECT_THROW(joined.flight->follow(Deadline::never(), [](std::string_view) { throw std::logic_error("full"); }),
                 std::logic_error);
    joined.lead->land();
    joined.flight->succeed(answer("part"));
    EXPECT_TRUE(joined.flight->follow(Deadline::never(), {}));
}

TEST_F(FlightTest, it_knows_the_most_patient_of_those_who_wait) {
    const Deadline leaders = Deadline::after(1h);
    const Flights::Joined led = flights.join("key", "the answer", leaders, std::this_thread::get_id());
    EXPECT_EQ(led.flight->patience(), leaders);
    EXPECT_EQ(error_of([&] { led.flight->follow(Deadline::never(), {}); }).code, ErrorCode::invalid_argument)
        << "the leader would wait for itself";
    auto follower = std::async(std::launch::async, [&] { return led.flight->follow(Deadline::never(), {}); });
    EXPECT_TRUE(test::eventually([&] { return led.flight->patience() == Deadline::never(); }));
    led.flight->succeed(answer("text"));
    EXPECT_TRUE(follower.get());
    EXPECT_EQ(led.flight->patience(), leaders);
    EXPECT_EQ(flights.join("other", "the answer", leaders, std::thread::id()).flight->patience(), std::nullopt);
}

}  // namespace
}  // namespace stele
