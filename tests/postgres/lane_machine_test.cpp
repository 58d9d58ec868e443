#include "postgres/lane_machine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <map>
#include <span>
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

TEST(LaneMachine, a_connection_that_was_just_borrowed_is_used_before_it_is_given_to_others) {
    LaneMachine lane = busy({}, {{.ticket = 1}});
    lane.give_way();
    answer(lane, {Reply::good});
    finished(lane);
    lane.join({.ticket = 2});
    lane.give_way();
    EXPECT_EQ(lane.next().what, Do::give_back);
}

}  // namespace
}  // namespace stele
