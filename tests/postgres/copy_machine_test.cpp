#include "postgres/copy_machine.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace stele {
namespace {

using Do = CopyMachine::Do;
using Fetched = CopyMachine::Fetched;
using Reply = CopyMachine::Reply;
using State = CopyMachine::State;

enum class Event : std::uint8_t {
    begin,
    put,
    get,
    close,
    discard,  // start a turn
    readable,
    writable,
    refusal,
    other,
    consumed,
    offered,
    flushed_part,
    flushed_all,
    busy,
    copy_in,
    copy_out,
    good,
    error,
    end,  // replies
    data,
    nothing,
    end_of_data
};
using Script = std::vector<std::pair<Event, Do>>;

Do feed(CopyMachine& machine, Event event) {
    switch (event) {
        case Event::begin: return machine.begin();
        case Event::put: return machine.put();
        case Event::get: return machine.get();
        case Event::close: return machine.close();
        case Event::discard: return machine.discard();
        case Event::readable: return machine.woke(true);
        case Event::writable: return machine.woke(false);
        case Event::refusal: return machine.heard(CopyMachine::Heard::refusal);
        case Event::other: return machine.heard(CopyMachine::Heard::other);
        case Event::consumed: return machine.consumed();
        case Event::offered: return machine.offered();
        case Event::flushed_part: return machine.flushed(false);
        case Event::flushed_all: return machine.flushed(true);
        case Event::busy: return machine.busy();
        case Event::copy_in: return machine.reply(Reply::copy_in);
        case Event::copy_out: return machine.reply(Reply::copy_out);
        case Event::good: return machine.reply(Reply::good);
        case Event::error: return machine.reply(Reply::error);
        case Event::end: return machine.reply(Reply::end);
        case Event::data: return machine.fetched(Fetched::data);
        case Event::nothing: return machine.fetched(Fetched::nothing);
        case Event::end_of_data: return machine.fetched(Fetched::end);
    }
    return Do::rest;
}

Script operator+(Script first, const Script& second) {
    first.insert(first.end(), second.begin(), second.end());
    return first;
}

const Script kOpenIn = {{Event::begin, Do::flush},      {Event::flushed_part, Do::take}, {Event::busy, Do::wait},
                        {Event::writable, Do::consume}, {Event::consumed, Do::flush},    {Event::flushed_all, Do::take},
                        {Event::busy, Do::wait},        {Event::readable, Do::consume},  {Event::consumed, Do::take},
                        {Event::copy_in, Do::rest}};
// a notice comes first, then the socket takes only a part; what comes is read meanwhile, so that neither side waits for
// the other
const Script kPut = {{Event::put, Do::wait},          {Event::readable, Do::listen}, {Event::other, Do::consume},
                     {Event::consumed, Do::wait},     {Event::writable, Do::offer},  {Event::offered, Do::flush},
                     {Event::flushed_part, Do::wait}, {Event::readable, Do::listen}, {Event::other, Do::consume},
                     {Event::consumed, Do::wait},     {Event::writable, Do::flush},  {Event::flushed_all, Do::rest}};
const Script kFinish = {{Event::close, Do::flush},      {Event::flushed_all, Do::take}, {Event::busy, Do::wait},
                        {Event::readable, Do::consume}, {Event::consumed, Do::take},    {Event::good, Do::take},
                        {Event::end, Do::rest}};
const Script kEndRefused = {
    {Event::close, Do::flush}, {Event::flushed_all, Do::take}, {Event::error, Do::take}, {Event::end, Do::rest}};
const Script kRefused =
    Script{{Event::put, Do::wait}, {Event::readable, Do::listen}, {Event::refusal, Do::rest}} + kEndRefused;
const Script kRefusedMidway =
    Script{{Event::put, Do::wait},          {Event::writable, Do::offer},  {Event::offered, Do::flush},
           {Event::flushed_part, Do::wait}, {Event::readable, Do::listen}, {Event::refusal, Do::rest}} +
    kEndRefused;
const Script kOpenOut = {{Event::begin, Do::flush},      {Event::flushed_all, Do::take}, {Event::busy, Do::wait},
                         {Event::readable, Do::consume}, {Event::consumed, Do::take},    {Event::copy_out, Do::rest}};
const Script kGet = {{Event::get, Do::fetch},
                     {Event::nothing, Do::wait},
                     {Event::readable, Do::consume},
                     {Event::consumed, Do::fetch},
                     {Event::data, Do::rest}};
const Script kGetEnd = {{Event::get, Do::fetch},        {Event::end_of_data, Do::take}, {Event::busy, Do::wait},
                        {Event::readable, Do::consume}, {Event::consumed, Do::take},    {Event::good, Do::take},
                        {Event::end, Do::rest}};
const Script kDiscard = {{Event::discard, Do::fetch},    {Event::data, Do::fetch},     {Event::nothing, Do::wait},
                         {Event::readable, Do::consume}, {Event::consumed, Do::fetch}, {Event::end_of_data, Do::take},
                         {Event::error, Do::take},       {Event::end, Do::rest}};

struct Course {
    const char* name;
    Script script;
    bool failed;
};
const std::vector<Course> kCourses = {{"in", kOpenIn + kPut + kPut + kFinish, false},
                                      {"in, refused", kOpenIn + kPut + kRefused, true},
                                      {"in, refused midway", kOpenIn + kRefusedMidway, true},
                                      {"out", kOpenOut + kGet + kGet + kGetEnd, false},
                                      {"out, stopped early", kOpenOut + kGet + kDiscard, true}};

TEST(CopyMachine, says_what_to_do_from_the_command_to_the_end) {
    for (const Course& course : kCourses) {
        CopyMachine machine;
        for (std::size_t i = 0; i < course.script.size(); ++i) {
            EXPECT_EQ(feed(machine, course.script[i].first), course.script[i].second) << course.name << ", step " << i;
        }
        EXPECT_EQ(machine.state(), State::over) << course.name;
        EXPECT_EQ(machine.failed(), course.failed) << course.name;
    }
}

TEST(CopyMachine, rests_and_is_lost_when_the_connection_is_lost_at_any_step) {
    for (const Course& course : kCourses) {
        for (std::size_t cut = 0; cut < course.script.size(); ++cut) {
            CopyMachine machine;
            for (std::size_t i = 0; i <= cut; ++i) feed(machine, course.script[i].first);
            EXPECT_EQ(machine.lost(), Do::rest) << course.name << ", step " << cut;
            EXPECT_EQ(machine.state(), State::lost) << course.name << ", step " << cut;
        }
    }
}

TEST(CopyMachine, is_over_without_having_been_open_when_the_command_is_refused) {
    CopyMachine machine;
    machine.begin();
    machine.flushed(true);
    EXPECT_EQ(machine.reply(Reply::error), Do::take);
    EXPECT_EQ(machine.reply(Reply::end), Do::rest);
    EXPECT_EQ(machine.state(), State::over);
    EXPECT_TRUE(machine.failed());
}

TEST(CopyMachine, tells_the_direction_that_the_server_chose) {
    for (const auto& [reply, way] :
         {std::pair{Reply::copy_in, CopyMachine::Way::in}, std::pair{Reply::copy_out, CopyMachine::Way::out}}) {
        CopyMachine machine;
        machine.begin();
        machine.flushed(true);
        machine.reply(reply);
        EXPECT_EQ(machine.state(), State::open);
        EXPECT_EQ(machine.way(), way);
    }
}

TEST(CopyMachine, trusts_a_connection_no_more_that_opens_a_copy_inside_a_copy) {
    for (const Reply again : {Reply::copy_in, Reply::copy_out}) {
        CopyMachine machine;
        machine.begin();
        machine.flushed(true);
        machine.reply(Reply::copy_in);
        machine.close();
        machine.flushed(true);
        EXPECT_EQ(machine.reply(again), Do::rest);
        EXPECT_EQ(machine.state(), State::lost);
    }
}

}  // namespace
}  // namespace stele
