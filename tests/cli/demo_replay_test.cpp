#include "demo_replay.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

namespace stele::cli {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

DemoQuestion question(std::string group, std::string text, std::optional<std::string> near = {}) {
    DemoQuestion made;
    made.answer = "answer to " + group;
    made.group = std::move(group);
    made.question = std::move(text);
    made.near = std::move(near);
    return made;
}

std::vector<const DemoQuestion*> in_order(const std::vector<DemoQuestion>& questions) {
    std::vector<const DemoQuestion*> stream;
    for (const DemoQuestion& one : questions) stream.push_back(&one);
    return stream;
}

/// A memory that takes texts for the same when they begin with the same letter, on a clock that only it moves: 1 ms to
/// look up, 2 ms to store, 100 ms to answer.
struct World {
    std::map<char, DemoServed> stored;
    DemoPorts::Clock::time_point time;
    std::vector<std::string> answered;
    bool stop = false;
    bool stop_while_answering = false;

    DemoPorts ports() {
        DemoPorts ports;
        ports.look_up = [this](const DemoQuestion& asked) -> std::optional<DemoServed> {
            time += 1ms;
            const auto found = stored.find(asked.question.front());
            if (found == stored.end()) return std::nullopt;
            DemoServed served = found->second;
            const bool same = served.question == asked.question;
            served.layer = same ? HitLayer::exact : HitLayer::semantic;
            served.similarity = same ? 1.0F : 0.9F;
            return served;
        };
        ports.answer = [this](const DemoQuestion& asked) -> std::optional<std::string> {
            time += 100ms;
            if (stop_while_answering) return std::nullopt;
            answered.push_back(asked.question);
            return asked.answer;
        };
        ports.store = [this](const DemoQuestion& asked, const std::string& answer) {
            time += 2ms;
            DemoServed served;
            served.group = asked.group;
            served.near = asked.near;
            served.question = asked.question;
            served.answer = answer;
            stored.emplace(asked.question.front(), served);
        };
        ports.now = [this] { return time; };
        ports.stopped = [this] { return stop; };
        return ports;
    }
};

TEST(DemoReplay, only_misses_are_answered_and_each_layer_has_its_times) {
    const std::vector<DemoQuestion> questions = {question("a", "a1"), question("a", "a2"), question("a", "a1"),
                                                 question("b", "b1")};
    World world;
    const DemoRun run = replay(in_order(questions), world.ports());
    EXPECT_THAT(world.answered, ElementsAre("a1", "b1"));
    EXPECT_THAT(run.exact, ElementsAre(1ms));
    EXPECT_THAT(run.semantic, ElementsAre(1ms));
    EXPECT_THAT(run.miss, ElementsAre(3ms, 3ms));
    EXPECT_EQ(run.elapsed, 208ms);
    EXPECT_EQ(run.asked(), 4u);
    EXPECT_EQ(run.hits(), 2u);
    EXPECT_TRUE(run.wrong.empty());
    EXPECT_FALSE(run.interrupted);
}

TEST(DemoReplay, an_answer_of_another_group_is_wrong_and_a_near_miss_is_told_from_the_rest) {
    const std::vector<DemoQuestion> questions = {question("a", "x1"), question("near a", "x2", "a"),
                                                 question("b", "x3")};
    World world;
    const DemoRun run = replay(in_order(questions), world.ports());
    ASSERT_EQ(run.wrong.size(), 2u);
    EXPECT_EQ(run.wrong[0].asked, &questions[1]);
    EXPECT_EQ(run.wrong[0].served.question, "x1");
    EXPECT_EQ(run.wrong[0].served.answer, "answer to a");
    EXPECT_TRUE(run.wrong[0].near_miss);
    EXPECT_FALSE(run.wrong[1].near_miss);
}

TEST(DemoReplay, a_near_miss_is_one_in_either_direction) {
    const std::vector<DemoQuestion> questions = {question("near a", "x2", "a"), question("a", "x1")};
    World world;
    const DemoRun run = replay(in_order(questions), world.ports());
    ASSERT_EQ(run.wrong.size(), 1u);
    EXPECT_TRUE(run.wrong[0].near_miss);
}

TEST(DemoReplay, the_closest_call_is_the_least_similar_right_answer) {
    const std::vector<DemoQuestion> questions = {question("a", "a1"), question("a", "a2"), question("a", "a3"),
                                                 question("a", "a4"), question("b", "a5")};
    World world;
    DemoPorts ports = world.ports();
    ports.look_up = [&, look_up = ports.look_up](const DemoQuestion& asked) {
        auto served = look_up(asked);
        const std::map<std::string, float> similarities = {{"a2", 0.95F}, {"a3", 0.86F}, {"a4", 0.91F}, {"a5", 0.8F}};
        if (served) served->similarity = similarities.at(asked.question);
        return served;
    };
    const DemoRun run = replay(in_order(questions), ports);
    ASSERT_TRUE(run.closest);
    EXPECT_EQ(run.closest->asked->question, "a3");
}

TEST(DemoReplay, stopping_ends_it_before_the_next_question) {
    const std::vector<DemoQuestion> questions = {question("a", "a1"), question("b", "b1")};
    World world;
    const DemoRun run = replay(in_order(questions), world.ports(), [&](const DemoRun&) { world.stop = true; });
    EXPECT_TRUE(run.interrupted);
    EXPECT_EQ(run.asked(), 1u);
}

TEST(DemoReplay, a_question_whose_answering_is_interrupted_does_not_count_and_is_not_stored) {
    const std::vector<DemoQuestion> questions = {question("a", "a1"), question("b", "b1")};
    World world;
    const DemoRun run =
        replay(in_order(questions), world.ports(), [&](const DemoRun&) { world.stop_while_answering = true; });
    EXPECT_TRUE(run.interrupted);
    EXPECT_EQ(run.asked(), 1u);
    EXPECT_EQ(run.elapsed, 103ms);
    EXPECT_EQ(world.stored.size(), 1u);
}

TEST(DemoShuffle, is_the_same_for_a_seed_and_another_for_another) {
    std::vector<DemoQuestion> questions;
    for (int i = 0; i < 100; ++i) questions.push_back(question("g", std::to_string(i)));
    const auto first = shuffled(questions, 1);
    EXPECT_EQ(first, shuffled(questions, 1));
    EXPECT_NE(first, shuffled(questions, 2));
    EXPECT_EQ(std::set(first.begin(), first.end()).size(), 100u);
    EXPECT_NE(first, in_order(questions));
}

TEST(DemoShuffle, is_the_same_on_every_machine) {
    std::vector<DemoQuestion> questions;
    for (int i = 0; i < 8; ++i) questions.push_back(question("g", std::to_string(i)));
    std::string order;
    for (const DemoQuestion* one : shuffled(questions, 1)) order += one->question;
    EXPECT_EQ(order, "46351720");
}

TEST(DemoShuffle, a_limit_takes_the_beginning_of_the_same_order) {
    const std::vector<DemoQuestion> questions = {question("a", "1"), question("b", "2"), question("c", "3"),
                                                 question("d", "4")};
    auto all = shuffled(questions, 7);
    all.resize(2);
    EXPECT_EQ(shuffled(questions, 7, 2), all);
    EXPECT_EQ(shuffled(questions, 7, 9).size(), 4u);
}

}  // namespace
}  // namespace stele::cli
