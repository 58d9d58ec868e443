// Model memories: the same on a database and in memory.
#include <gmock/gmock.h>

#include "memory/memories.hpp"

namespace stele {
namespace {

using test::answer;
using test::AnyMemory;
using test::ask;
using test::in;
using test::out;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

INSTANTIATE_TEST_SUITE_P(ModelMemory, AnyMemory, test::kBoth, test::name_of);

TEST_P(AnyMemory, draive_068_remembers_at_once_what_was_never_there_before) {
    ModelMemory fresh = memory();
    EXPECT_EQ(fresh.recall(), ModelMemoryRecall());
    const Remembered stored = fresh.remember({in("a"), out("b")});
    EXPECT_FALSE(stored.repeated);
    const ModelMemoryRecall recalled = fresh.recall();
    EXPECT_THAT(recalled.context, ElementsAre(in("a"), out("b")));
    EXPECT_EQ(recalled.position, stored.position);
    EXPECT_THAT(memory("another").recall().context, IsEmpty());
}

TEST_P(AnyMemory, draive_100_what_is_stored_is_compared_by_value) {
    ModelInput told("a");
    told.meta = Json::parse(R"({"long key":1.0,"b":{"y":0,"x":1e2}})");
    const ModelOutput asked(ToolRequest{"1", "tool", Json::parse(R"({"zz":[1.50],"a":-0.0})")});
    memory().remember({told, asked}, {.variables = Json::parse(R"({"n":10.0,"m":{"b":1,"a":2}})")});
    told.meta = Json::parse(R"({"b":{"x":100,"y":0},"long key":1})");
    const ModelOutput same(ToolRequest{"1", "tool", Json::parse(R"({"a":0,"zz":[1.5]})")});
    EXPECT_THAT(memory().recall({.replay = Replay::all}).context, ElementsAre(told, same));
    EXPECT_EQ(memory().recall({.replay = Replay::all}),
              (ModelMemoryRecall{{told, same}, Json::parse(R"({"m":{"a":2,"b":1},"n":10})")}));
    told.meta = Json::parse(R"({"b":{"x":100,"y":1},"long key":1})");
    EXPECT_NE(memory().recall({.replay = Replay::all}).context[0], ModelElement(told));
}

TEST_P(AnyMemory, draive_056_maintenance_may_be_repeated) {
    memory().maintenance();
    memory().maintenance();
    EXPECT_EQ(memory().recall(), ModelMemoryRecall());
    memory().remember({in("a")});
    memory().maintenance(Json::parse(R"({"n":1})"));
    memory().maintenance();
    EXPECT_THAT(memory().recall().context, ElementsAre(in("a")));
    EXPECT_TRUE(same_value(memory().recall().variables, Json::parse(R"({"n":1})")));
}

TEST_P(AnyMemory, draive_057_nothing_to_remember_stores_nothing_and_empty_variables_are_something) {
    memory().remember({}, {.variables = Json::parse(R"({"n":1})")});
    const MemoryPosition before = memory().recall().position;
    EXPECT_FALSE(memory().remember({}).position);
    EXPECT_EQ(memory().recall().position, before);
    EXPECT_TRUE(memory().remember({}, {.variables = Json::object()}).position);
    EXPECT_TRUE(same_value(memory().recall().variables, Json::object()));
    EXPECT_GT(memory().recall().position.newest, before.newest);
}

TEST_P(AnyMemory, draive_058_all_or_nothing_is_stored) {
    const auto refuse = [&](std::initializer_list<ModelElement> elements, std::optional<Json> variables) {
        return test::error_of([&] { memory().remember(elements, {.variables = variables}); }).code;
    };
    EXPECT_EQ(refuse({in("a"), in(std::string(1, '\0'))}, {}), ErrorCode::invalid_argument);
    EXPECT_EQ(refuse({in("a")}, Json::trusted("[1]")), ErrorCode::invalid_argument);
    EXPECT_EQ(refuse({in("a")}, Json::trusted("{")), ErrorCode::invalid_argument);
    ModelInput one("a");
    one.identifier = Uuid::v7();
    EXPECT_EQ(refuse({one, one}, {}), ErrorCode::invalid_argument);
    EXPECT_EQ(memory().recall(), ModelMemoryRecall());
}

TEST_P(AnyMemory, draive_060_the_newest_variables_count_as_a_whole) {
    ModelMemory thread = memory();
    EXPECT_EQ(thread.recall().variables, Json::object());
    thread.remember({in("a")}, {.variables = Json::parse(R"({"a":1,"b":2})")});
    thread.remember({out("b")}, {.variables = Json::parse(R"({"a":3})")});
    thread.remember({in("c")});
    EXPECT_TRUE(same_value(thread.recall().variables, Json::parse(R"({"a":3})")));
    EXPECT_EQ(thread.recall().context.size(), 3U);
}

TEST_P(AnyMemory, draive_061_limits_count_rows_and_zero_is_all) {
    ModelMemory thread = memory("thread", {.recall_limit = 2});
    thread.remember({in("a"), out("b"), in("c"), out("d")});
    EXPECT_THAT(thread.recall().context, ElementsAre(in("c"), out("d")));
    EXPECT_TRUE(thread.recall().older);
    EXPECT_THAT(thread.recall({.limit = 3}).context, ElementsAre(in("c"), out("d"))) << "b is no beginning";
    EXPECT_EQ(thread.recall({.limit = 0}).context.size(), 4U);
    EXPECT_FALSE(thread.recall({.limit = 4}).older);
    EXPECT_THAT(memory().recall().context, ElementsAre(in("a"), out("b"), in("c"), out("d")));
}

TEST_P(AnyMemory, a_budget_of_tokens_is_filled_from_the_newest_on) {
    ModelMemory thread = memory();
    for (int i = 0; i < 100; ++i) {
        const std::string id = std::to_string(i);
        thread.remember({in("question " + id), ask(id), answer(id), out("reply " + id)});
    }
    const CountTokens one = [](const ModelElement&) { return std::size_t{1}; };
    const ModelMemoryRecall recalled = thread.recall({.max_tokens = 203, .count_tokens = one});
    ASSERT_EQ(recalled.context.size(), 200U);
    EXPECT_EQ(recalled.tokens, 200U);
    EXPECT_TRUE(recalled.older);
    EXPECT_EQ(recalled.context.front(), in("question 50"));
    EXPECT_EQ(recalled.context.back(), out("reply 99"));
    EXPECT_EQ(thread.recall({.max_tokens = 1'000, .count_tokens = one}).context.size(), 400U);
    EXPECT_EQ(test::error_of([&] { thread.recall({.max_tokens = 1, .count_tokens = nullptr}); }).code,
              ErrorCode::invalid_argument);
}

TEST_P(AnyMemory, draive_067_what_was_broken_off_is_kept_and_not_replayed) {
    ModelMemory thread = memory();
    thread.remember({in("a"), out("b"), in("c"), ask("1")});
    EXPECT_THAT(thread.recall().context, ElementsAre(in("a"), out("b"), in("c")));
    EXPECT_EQ(thread.recall({.replay = Replay::head}).context.size(), 4U);
    thread.remember({answer("1")});
    EXPECT_EQ(thread.recall().context.size(), 5U) << "now that the tool has answered";
}

TEST_P(AnyMemory, a_response_that_nothing_asked_for_is_refused) {
    ModelMemory thread = memory();
    thread.remember({in("a"), ask("1")});
    const std::vector<std::vector<ModelElement>> refused = {{answer("2")},
                                                            {in("b"), answer("3"), ask("3")},
                                                            {ask("4"), answer("4"), answer("4")},
                                                            {test::answer_and("5", "c")}};
    for (const std::vector<ModelElement>& elements : refused) {
        const ErrorInfo error = test::error_of([&] { thread.remember(elements, {.variables = Json::object()}); });
        EXPECT_EQ(error.code, ErrorCode::invalid_argument);
        EXPECT_THAT(error.message, HasSubstr("the memory \"thread\" has no request"));
    }
    EXPECT_EQ(test::error_of([&] { memory("another").remember({answer("1")}); }).code, ErrorCode::invalid_argument);
    EXPECT_EQ(thread.recall({.replay = Replay::all}).context.size(), 2U) << "nothing of it was stored";
    thread.remember({answer("1"), ask("6"), answer("6"), out("b")});
    thread.remember({answer("7")}, {.allow_unasked = true});
    EXPECT_EQ(thread.recall().context.size(), 6U);
    EXPECT_EQ(thread.recall({.replay = Replay::all}).context.size(), 7U);
}

TEST_P(AnyMemory, draive_063_a_response_may_come_long_after_its_request_and_a_window_begin_between_them) {
    ModelMemory thread = memory();
    thread.remember({in("a"), ask("1")});
    for (int i = 0; i < 20; ++i) thread.remember({in("b"), out("c")});
    thread.remember({answer("1"), out("d")}, {.key = "late"});
    EXPECT_EQ(thread.recall().context.size(), 44U);
    EXPECT_THAT(thread.recall({.limit = 4}).context, ElementsAre(in("b"), out("c"), out("d")));
    EXPECT_THAT(thread.recall({.limit = 2}).context, IsEmpty());
    EXPECT_TRUE(thread.remember({answer("1"), out("d")}, {.key = "late"}).repeated);
}

TEST_P(AnyMemory, draive_069_stamps_only_grow) {
    MemoryPosition last;
    for (int i = 0; i < 20; ++i) {
        const MemoryPosition next = memory().remember({in("x"), out("y"), in("z")}).position.value();
        EXPECT_GE(*next.newest, last.newest.value_or(Timestamp()) + std::chrono::microseconds(3));
        last = next;
    }
}

TEST_P(AnyMemory, draive_072_an_element_with_an_identifier_is_replaced_where_it_stands) {
    ModelInput draft("draft");
    draft.identifier = Uuid::v7();
    ModelMemory thread = memory();
    thread.remember({in("a"), draft, out("b")});
    ModelInput fair("fair copy");
    fair.identifier = draft.identifier;
    thread.remember({out("c"), fair});
    EXPECT_THAT(thread.recall().context, ElementsAre(in("a"), fair, out("b"), out("c")));
    const ErrorInfo taken = test::error_of([&] { memory("another").remember({in("x"), fair}); });
    EXPECT_EQ(taken.code, ErrorCode::constraint_violation);
    EXPECT_THAT(taken.message, HasSubstr("another memory"));
    EXPECT_THAT(memory("another").recall().context, IsEmpty());
}

TEST_P(AnyMemory, a_call_with_a_key_is_made_once) {
    ModelMemory thread = memory();
    const RememberOptions options{.variables = Json::parse(R"({"n":1})"), .key = "request 1"};
    const Remembered first = thread.remember({in("a")}, options);
    thread.remember({out("b")});
    const Remembered second = thread.remember({in("a")}, options);
    EXPECT_TRUE(second.repeated);
    EXPECT_EQ(second.position, first.position);
    EXPECT_THAT(thread.recall().context, ElementsAre(in("a"), out("b")));
    EXPECT_FALSE(memory("another").remember({in("a")}, options).repeated) << "keys are of one memory";
    EXPECT_EQ(test::error_of([&] { thread.remember({in("a")}, {.key = ""}); }).code, ErrorCode::invalid_argument);
}

TEST_P(AnyMemory, of_two_turns_that_saw_the_same_only_one_is_stored) {
    ModelMemory thread = memory();
    const MemoryPosition beginning = thread.recall().position;
    EXPECT_EQ(beginning, MemoryPosition());
    const MemoryPosition seen = thread.remember({in("a")}, {.expected = beginning}).position.value();
    EXPECT_THROW(thread.remember({in("b")}, {.expected = beginning}), MemoryMoved);
    const RememberOptions turn{.key = "turn", .expected = seen};
    thread.remember({out("c")}, turn);
    try {
        thread.remember({out("d")}, {.expected = seen});
        FAIL() << "it has moved on";
    } catch (const MemoryMoved& moved) {
        EXPECT_EQ(moved.actual(), thread.recall().position);
        EXPECT_EQ(moved.code(), ErrorCode::serialization);
        EXPECT_THAT(moved.what(), HasSubstr("\"thread\""));
    }
    EXPECT_TRUE(thread.remember({out("c")}, turn).repeated) << "what was sent again has not moved";
    EXPECT_THROW(memory("another").remember({in("x")}, {.expected = seen}), MemoryMoved);
    EXPECT_THAT(thread.recall().context, ElementsAre(in("a"), out("c")));
    const MemoryPosition now = thread.recall().position;
    thread.remember({}, {.variables = Json::object()});
    EXPECT_THROW(thread.remember({in("e")}, {.expected = now}), MemoryMoved) << "variables count";
}

TEST_P(AnyMemory, identifiers_that_cannot_be_stored_are_refused) {
    EXPECT_EQ(test::error_of([&] { memory(""); }).code, ErrorCode::invalid_argument);
    EXPECT_EQ(test::error_of([&] { memory(std::string(1025, 'x')); }).code, ErrorCode::invalid_argument);
    EXPECT_EQ(test::error_of([&] { memory(std::string("a\0b", 3)); }).code, ErrorCode::invalid_argument);
    memory("'; DROP TABLE memories; --").remember({in("a")});
    EXPECT_EQ(memory("'; DROP TABLE memories; --").recall().context.size(), 1U);
}

TEST(ConstantMemory, recalls_what_it_was_given_and_stores_nothing) {
    ModelMemoryRecall given;
    given.context = {in("a"), out("b")};
    ModelMemory memory = ModelMemory::constant(given);
    EXPECT_FALSE(memory.remember({in("c")}).position);
    memory.maintenance(Json::object());
    memory.maintenance();
    EXPECT_EQ(memory.recall({.limit = 1}), given);
    EXPECT_EQ(test::error_of([&] { memory.remember({}, {.variables = Json::trusted("1")}); }).code,
              ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace stele
