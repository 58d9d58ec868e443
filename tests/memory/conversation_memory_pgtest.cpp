// Conversations: the same on a database and in memory.
#include <gmock/gmock.h>

#include <functional>
#include <limits>
#include <set>

#include "memory/memories.hpp"
#include "stele/conversation_memory.hpp"
#include "support/in_threads.hpp"

namespace stele {
namespace {

using test::in;
using test::out;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class AnyConversation : public test::AnyMemory {
protected:
    ConversationMemory conversation(const std::string& thread = "thread") {
        return database_ ? ConversationMemory(*database_, thread) : ConversationMemory::in_memory(thread, memory_);
    }
    /// Turns "u0", "a0", "u1" and so on, each pair remembered by a call of its own.
    std::vector<ConversationTurn> talk(int pairs) {
        std::vector<ConversationTurn> all;
        for (int i = 0; i < pairs; ++i) {
            all.emplace_back(UserTurn(Content("u" + std::to_string(i))));
            all.emplace_back(AssistantTurn(Content("a" + std::to_string(i))));
            conversation().remember({all[all.size() - 2], all.back()});
        }
        return all;
    }
};

std::vector<std::string> texts(const std::vector<ConversationTurn>& turns) {
    std::vector<std::string> all;
    for (const ConversationTurn& turn : turns) {
        if (const auto* user = std::get_if<UserTurn>(&turn)) {
            all.push_back(user->content.at(0).text());
        } else {
            all.push_back(std::get<Content>(std::get<AssistantTurn>(turn).content.at(0)).text());
        }
    }
    return all;
}

INSTANTIATE_TEST_SUITE_P(ConversationMemory, AnyConversation, test::kBoth, test::name_of);

TEST_P(AnyConversation, draive_076_recalls_all_turns_as_a_model_is_told_of_them) {
    AssistantTurn working;
    working.add(ToolRequest{"c1", "weather"}).add(ToolResponse{"c1", "weather", "sunny"}).add("It is sunny.");
    conversation().remember({AssistantTurn("Hello!"), UserTurn("What is the weather?"), working});
    const ConversationRecall recalled = conversation().recall();
    ASSERT_EQ(recalled.context.size(), 5U);
    EXPECT_EQ(recalled.context[0], out("Hello!")) << "nothing older was left out";
    EXPECT_EQ(recalled.context[1], in("What is the weather?"));
    EXPECT_TRUE(std::get<ModelOutput>(recalled.context[2]).has_tool_request());
    EXPECT_TRUE(std::get<ModelInput>(recalled.context[3]).has_tool_response());
    EXPECT_EQ(recalled.context[4], out("It is sunny."));
    EXPECT_FALSE(recalled.older);
    EXPECT_THAT(conversation("another").recall().context, IsEmpty());
}

TEST_P(AnyConversation, draive_074_pages_go_from_the_newest_to_the_oldest) {
    talk(3);
    const ConversationPage newest = conversation().fetch({}, 4);
    EXPECT_THAT(texts(newest.turns), ElementsAre("u1", "a1", "u2", "a2"));
    ASSERT_TRUE(newest.next);
    EXPECT_EQ(*newest.next, std::get<UserTurn>(newest.turns.front()).identifier.to_string());
    const ConversationPage last = conversation().fetch(newest.next, 4);
    EXPECT_THAT(texts(last.turns), ElementsAre("u0", "a0"));
    EXPECT_FALSE(last.next);
    EXPECT_EQ(conversation().fetch().turns.size(), 6U);
}

TEST_P(AnyConversation, draive_075_a_full_last_page_is_the_last) {
    talk(2);
    const ConversationPage first = conversation().fetch({}, 2);
    const ConversationPage second = conversation().fetch(first.next, 2);
    EXPECT_THAT(texts(second.turns), ElementsAre("u0", "a0"));
    EXPECT_FALSE(second.next);
    EXPECT_FALSE(conversation().fetch({}, 4).next);
    EXPECT_THAT(conversation("another").fetch().turns, IsEmpty());
}

TEST_P(AnyConversation, draive_075_bad_tokens_and_limits) {
    const auto turns = talk(1);
    const ConversationPage none = conversation().fetch({}, 0);
    EXPECT_THAT(none.turns, IsEmpty());
    EXPECT_FALSE(none.next);
    EXPECT_EQ(test::error_of([&] { conversation().fetch({}, -1); }).code, ErrorCode::invalid_argument);
    EXPECT_EQ(conversation().fetch({}, std::numeric_limits<std::int64_t>::max()).turns.size(), 2U);
    const ErrorInfo malformed = test::error_of([&] { conversation().fetch("17"); });
    EXPECT_EQ(malformed.code, ErrorCode::invalid_argument);
    EXPECT_THAT(malformed.message, HasSubstr("\"17\" is no token"));
    EXPECT_EQ(test::error_of([&] { conversation().fetch("17", 0); }).code, ErrorCode::invalid_argument);
    EXPECT_EQ(test::error_of([&] { conversation().fetch(Uuid::v7().to_string()); }).code, ErrorCode::not_found);
    const std::string others = std::get<UserTurn>(turns[0]).identifier.to_string();
    EXPECT_EQ(test::error_of([&] { conversation("another").fetch(others); }).code, ErrorCode::not_found);
    EXPECT_THAT(conversation().fetch(others).turns, IsEmpty()) << "the oldest: nothing is before it";
}

TEST_P(AnyConversation, draive_074_pages_visit_each_turn_once_while_others_come) {
    talk(10);
    std::vector<std::string> seen;
    std::optional<std::string> token;
    do {
        const ConversationPage page = conversation().fetch(token, 3);
        const auto some = texts(page.turns);
        seen.insert(seen.begin(), some.begin(), some.end());
        token = page.next;
        conversation().remember({UserTurn("meanwhile")});
    } while (token);
    EXPECT_EQ(seen.size(), 20U);
    EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), 20U);
    EXPECT_EQ(seen.front(), "u0");
    EXPECT_EQ(seen.back(), "a9");
}

TEST_P(AnyConversation, draive_077_a_turn_that_is_stored_already_is_stored_once) {
    const UserTurn asked("a");
    const AssistantTurn replied("b");
    const Remembered first = conversation().remember({asked, replied});
    const Remembered second = conversation().remember({asked, replied});
    EXPECT_FALSE(first.repeated);
    EXPECT_TRUE(second.repeated);
    EXPECT_EQ(first.position, second.position);
    EXPECT_FALSE(conversation().remember({replied, UserTurn("c")}).repeated) << "one of them is new";
    EXPECT_THAT(texts(conversation().fetch().turns), ElementsAre("a", "b", "c"));
    // as it was read, with the time that it got
    const auto stored = conversation().fetch().turns;
    EXPECT_TRUE(conversation().remember(stored).repeated);
    EXPECT_FALSE(conversation("another").remember({asked}).repeated);
}

TEST_P(AnyConversation, draive_077_a_turn_that_differs_rejects_the_batch) {
    UserTurn asked("a");
    conversation().remember({asked});
    UserTurn other("b");
    other.identifier = asked.identifier;
    const ErrorInfo error = test::error_of([&] { conversation().remember({UserTurn("new"), other}); });
    EXPECT_EQ(error.code, ErrorCode::constraint_violation);
    EXPECT_THAT(error.message, HasSubstr(asked.identifier.to_string()));
    asked.created = Timestamp();
    EXPECT_EQ(test::error_of([&] { conversation().remember({asked}); }).code, ErrorCode::constraint_violation);
    EXPECT_EQ(test::error_of([&] { conversation().remember({other, other}); }).code, ErrorCode::invalid_argument);
    EXPECT_THAT(texts(conversation().fetch().turns), ElementsAre("a"));
    EXPECT_FALSE(conversation().remember({}).position);
}

TEST_P(AnyConversation, draive_077_100_a_turn_is_the_same_whatever_the_order_of_keys_and_the_digits_of_numbers) {
    UserTurn turn("a");
    turn.meta = Json::parse(R"({"long key":1,"b":[1.50,{"y":0,"x":1e2}],"a":null})");
    conversation().remember({turn});
    turn.meta = Json::parse(R"({"a":null,"b":[1.5,{"x":100,"y":-0.0}],"long key":1.0})");
    EXPECT_TRUE(conversation().remember({turn}).repeated);
    EXPECT_TRUE(same_value(std::get<UserTurn>(conversation().fetch().turns.at(0)).meta, turn.meta));
    turn.meta = Json::parse(R"({"a":null,"b":[1.51,{"x":100,"y":0}],"long key":1})");
    EXPECT_EQ(test::error_of([&] { conversation().remember({turn}); }).code, ErrorCode::constraint_violation);
}

TEST_P(AnyConversation, turns_get_times_that_only_grow_and_keep_those_they_have) {
    conversation().remember({UserTurn("b"), AssistantTurn("c")});
    UserTurn old("a");
    old.created = Timestamp(std::chrono::seconds(1'000'000'000));
    conversation().remember({old});
    conversation().remember({UserTurn("d")});
    const auto turns = conversation().fetch().turns;
    EXPECT_THAT(texts(turns), ElementsAre("a", "b", "c", "d"));
    EXPECT_EQ(std::get<UserTurn>(turns[0]).created, old.created);
    EXPECT_EQ(*std::get<AssistantTurn>(turns[2]).created - *std::get<UserTurn>(turns[1]).created,
              std::chrono::microseconds(1));
    EXPECT_EQ(conversation().recall().position.newest, std::get<UserTurn>(turns[3]).created);
}

TEST_P(AnyConversation, turns_without_a_time_stand_behind_those_before_them_in_the_call) {
    UserTurn ahead("a");
    ahead.created = Timestamp(std::chrono::seconds(4'000'000'000));
    conversation().remember({UserTurn("0"), ahead, AssistantTurn("b")});
    conversation().remember({UserTurn("c")});
    EXPECT_THAT(texts(conversation().fetch().turns), ElementsAre("0", "a", "b", "c"));
}

TEST_P(AnyConversation, whatever_is_stored_moves_the_position) {
    conversation().remember({UserTurn("b")});
    const MemoryPosition seen = conversation().recall().position;
    UserTurn old("a");
    old.created = Timestamp(std::chrono::seconds(1'000'000'000));
    const MemoryPosition moved = *conversation().remember({old}).position;
    EXPECT_NE(moved, seen);
    EXPECT_EQ(conversation().recall().position, moved);
    EXPECT_THROW(conversation().remember({UserTurn("c")}, {.expected = seen}), MemoryMoved);
    EXPECT_FALSE(conversation().remember({UserTurn("c")}, {.expected = moved}).repeated);
}

TEST_P(AnyConversation, a_call_that_is_made_again_tells_where_it_came_to_and_not_others) {
    const UserTurn mine("a");
    const Remembered first = conversation().remember({mine});
    conversation().remember({UserTurn("b")});
    const Remembered again = conversation().remember({mine});
    EXPECT_TRUE(again.repeated);
    EXPECT_EQ(again.position, first.position);
    EXPECT_THROW(conversation().remember({AssistantTurn("c")}, {.expected = again.position}), MemoryMoved);
}

TEST_P(AnyConversation, draive_067_a_call_may_be_answered_in_a_later_turn) {
    AssistantTurn asks, answers;
    asks.add(ToolRequest{"1", "tool"});
    answers.add(ToolResponse{"1", "tool", "result of 1"}).add("c");
    conversation().remember({UserTurn("a"), asks, UserTurn("b"), answers});
    EXPECT_THAT(conversation().recall().context,
                ElementsAre(in("a"), test::ask("1"), in("b"), test::answer("1"), out("c")));
}

TEST_P(AnyConversation, a_response_that_nothing_asked_for_is_refused) {
    const auto turn = [](std::vector<ConversationEvent> events) {
        AssistantTurn made;
        made.content.assign(events.begin(), events.end());
        return made;
    };
    const ToolRequest request{"1", "tool"};
    const ToolResponse response{"1", "tool", "x"};
    const std::vector<std::vector<ConversationTurn>> refused = {{UserTurn("a"), turn({response})},
                                                                {turn({response, request})},
                                                                {turn({response}), turn({request})},
                                                                {turn({request, response, response})}};
    for (const std::vector<ConversationTurn>& turns : refused) {
        const ErrorInfo error = test::error_of([&] { conversation().remember(turns); });
        EXPECT_EQ(error.code, ErrorCode::invalid_argument);
        EXPECT_THAT(error.message, HasSubstr("the conversation \"thread\" has no request \"1\""));
    }
    EXPECT_THAT(conversation().fetch().turns, IsEmpty()) << "nothing of it was stored";
    conversation().remember({UserTurn("a"), turn({request})});
    talk(10);
    const AssistantTurn late = turn({response});
    conversation().remember({late});
    EXPECT_EQ(conversation().recall().context.size(), 23U);
    EXPECT_TRUE(conversation().remember({late}).repeated);
    EXPECT_THAT(ConversationMemory::constant({late}).recall({.replay = Replay::all}).context,
                ElementsAre(ModelElement(ModelInput(response))));
}

TEST_P(AnyConversation, a_window_holds_whole_turns_and_begins_with_the_users) {
    for (int i = 0; i < 40; ++i) {
        AssistantTurn working;
        working.add(ToolRequest{"0", "t"}).add(ToolResponse{"0", "t", "x"}).add("a" + std::to_string(i));
        conversation().remember({UserTurn(Content("u" + std::to_string(i))), working});
    }
    const CountTokens one = [](const ModelElement&) { return std::size_t{1}; };
    const ConversationRecall ten = conversation().recall({.max_tokens = 10, .count_tokens = one});
    ASSERT_EQ(ten.context.size(), 8U);
    EXPECT_EQ(ten.tokens, 8U);
    EXPECT_TRUE(ten.older);
    EXPECT_EQ(ten.context.front(), in("u38"));
    EXPECT_EQ(ten.context.back(), out("a39"));
    EXPECT_THAT(conversation().recall({.max_tokens = 3, .count_tokens = one}).context, IsEmpty());
    EXPECT_EQ(conversation().recall({.max_tokens = 160, .count_tokens = one}).context.size(), 160U);
    EXPECT_EQ(conversation().recall({.limit = 5}).context.size(), 8U);
    EXPECT_EQ(conversation().recall({.limit = 5, .replay = Replay::all}).context.size(), 11U);
}

TEST_P(AnyConversation, draive_067_a_turn_that_was_broken_off_is_recalled_without_its_open_call) {
    AssistantTurn broken("Let me see.");
    broken.add(ToolRequest{"1", "t"});
    conversation().remember({UserTurn("a"), broken, UserTurn("b"), AssistantTurn("c")});
    EXPECT_THAT(conversation().recall().context, ElementsAre(in("a"), in("b"), out("c")));
    EXPECT_EQ(conversation().recall({.replay = Replay::all}).context.size(), 4U);
}

TEST_P(AnyConversation, of_two_turns_that_saw_the_same_only_one_is_stored) {
    const MemoryPosition seen = conversation().recall().position;
    const UserTurn first("a");
    conversation().remember({first}, {.expected = seen});
    EXPECT_THROW(conversation().remember({UserTurn("b")}, {.expected = seen}), MemoryMoved);
    EXPECT_TRUE(conversation().remember({first}, {.expected = seen}).repeated);
    const MemoryPosition now = conversation().recall().position;
    conversation().remember({AssistantTurn("c")}, {.expected = now});
    EXPECT_THAT(texts(conversation().fetch().turns), ElementsAre("a", "c"));
}

TEST(ConstantConversation, has_its_turns_and_stores_nothing) {
    ConversationMemory memory = ConversationMemory::constant({UserTurn("a"), AssistantTurn("b")});
    EXPECT_FALSE(memory.remember({UserTurn("c")}).position);
    EXPECT_THAT(memory.recall().context, ElementsAre(in("a"), out("b")));
    EXPECT_THAT(texts(memory.fetch().turns), ElementsAre("a", "b"));
    ConversationMemory nothing = ConversationMemory::constant();
    nothing.remember({UserTurn("c")});
    EXPECT_THAT(nothing.recall().context, IsEmpty());
}

class StoredConversation : public ::testing::Test {
protected:
    std::string table() const { return database_.quoted_schema() + ".conversation_memory"; }
    /// As draive's statement does.
    void write_as_draive(const ConversationTurn& turn, Timestamp created) {
        ConversationTurn stamped = turn;
        std::visit([&](auto& each) { each.created = created; }, stamped);
        const bool is_user = std::holds_alternative<UserTurn>(turn);
        const Uuid identifier = std::visit([](const auto& each) { return each.identifier; }, turn);
        database_.execute(Statement(Sql("INSERT INTO " + table() +
                                        " (thread_id, turn, identifier, payload, created) "
                                        "VALUES ($1, $2, $3, $4::jsonb, $5)"),
                                    "thread", is_user ? "user" : "assistant", identifier, to_json(stamped), created));
    }

    test::Server server_;
    Database database_ = server_.open();
    ConversationMemory memory_{database_, "thread"};
};

TEST_F(StoredConversation, draive_073_draive_reads_what_is_written_and_writes_what_is_read) {
    const Timestamp past(std::chrono::seconds(1'700'000'000));
    write_as_draive(UserTurn("hi"), past);
    AssistantTurn reply("hello");
    memory_.remember({reply});
    const Rows rows = database_.query(Statement(Sql("SELECT turn, payload::text, identifier, created FROM " + table() +
                                                    " ORDER BY created DESC, identifier DESC")));
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows[0].get<std::string>(0), "assistant");
    EXPECT_EQ(rows[0].get<Uuid>(2), reply.identifier);
    const auto payload = Json::parse(rows[0].get<std::string>(1));
    reply.created = rows[0].get<Timestamp>(3);
    EXPECT_TRUE(same_value(payload, to_json(ConversationTurn(reply)))) << "with the time that the order goes by";
    EXPECT_THAT(texts(memory_.fetch().turns), ElementsAre("hi", "hello"));
}

TEST_F(StoredConversation, a_clock_ahead_of_the_server_is_no_harm) {
    write_as_draive(
        UserTurn("from the future"),
        std::chrono::time_point_cast<Timestamp::duration>(std::chrono::system_clock::now()) + std::chrono::hours(1));
    memory_.remember({AssistantTurn("later all the same")});
    EXPECT_THAT(texts(memory_.fetch().turns), ElementsAre("from the future", "later all the same"));
}

TEST_F(StoredConversation, draive_074_turns_of_one_time_are_ordered_by_identifier_across_pages) {
    const Timestamp same(std::chrono::seconds(1'700'000'000));
    std::vector<Uuid> all;
    for (int i = 0; i < 5; ++i) {
        UserTurn turn("x");
        all.push_back(turn.identifier);
        write_as_draive(turn, same);
    }
    std::vector<Uuid> seen;
    std::optional<std::string> token;
    do {
        const ConversationPage page = memory_.fetch(token, 2);
        std::vector<Uuid> some;
        for (const ConversationTurn& turn : page.turns) some.push_back(std::get<UserTurn>(turn).identifier);
        seen.insert(seen.begin(), some.begin(), some.end());
        token = page.next;
    } while (token);
    EXPECT_EQ(seen, all);
}

TEST_F(StoredConversation, draive_012_takes_part_in_a_transaction) {
    Transaction transaction = database_.begin();
    const UserTurn turn("a");
    memory_.in(transaction).remember({turn});
    EXPECT_EQ(memory_.in(transaction).fetch().turns.size(), 1U);
    EXPECT_THAT(memory_.fetch().turns, IsEmpty());
    transaction.rollback();
    EXPECT_FALSE(memory_.remember({turn}).repeated);
}

TEST_F(StoredConversation, calls_at_the_same_time_never_mix) {
    test::in_threads(8, [&](int caller) {
        for (int call = 0; call < 10; ++call) {
            const std::string name = std::to_string(caller) + "." + std::to_string(call);
            memory_.remember({UserTurn(Content(name)), AssistantTurn(Content(name))});
        }
    });
    const auto all = texts(memory_.fetch({}, 1000).turns);
    ASSERT_EQ(all.size(), 160U);
    for (std::size_t i = 0; i < all.size(); i += 2) EXPECT_EQ(all[i], all[i + 1]);
}

TEST_F(StoredConversation, what_is_no_turn_is_told_with_its_thread) {
    database_.execute(Statement(
        Sql("INSERT INTO " + table() + " VALUES ('thread', 'user', gen_random_uuid(), '{\"turn\":\"note\"}', now())")));
    for (const auto& call : {std::function<void()>([&] { memory_.recall(); }), {[&] { memory_.fetch(); }}}) {
        const ErrorInfo error = test::error_of(call);
        EXPECT_EQ(error.code, ErrorCode::type_mismatch);
        EXPECT_THAT(error.message, HasSubstr("the conversation \"thread\" holds what is no turn"));
    }
}

// Plans that were made for short conversations must serve a long one: of its 50,000 turns an index has 400 blocks.
TEST_F(StoredConversation, a_long_one_is_read_and_written_by_a_few_blocks_of_the_indexes) {
    database_.execute(
        Statement(Sql("INSERT INTO " + table() +
                      " SELECT 'thread', 'user', id, $1::jsonb || jsonb_build_object('identifier', id), "
                      "timestamptz '2020-01-01Z' + n * interval '1 s' FROM (SELECT gen_random_uuid() AS id, "
                      "n FROM generate_series(1, 50000) n) t"),
                  to_json(ConversationTurn(UserTurn("x"))).text()));
    Transaction transaction = database_.begin();
    const auto blocks = [&] {
        return transaction
            .query("SELECT sum(pg_stat_get_xact_blocks_fetched(indexrelid))::bigint FROM pg_index WHERE indrelid = '" +
                   table() + "'::regclass")[0]
            .get<std::int64_t>(0);
    };
    for (int i = 0; i < 10; ++i) {
        ConversationMemory small = ConversationMemory(database_, "small " + std::to_string(i)).in(transaction);
        small.remember({UserTurn("a"), UserTurn("b"), UserTurn("c")});
        EXPECT_TRUE(small.fetch(small.fetch({}, 1).next, 1).next);
    }
    const std::int64_t before = blocks();
    ConversationMemory big = memory_.in(transaction);
    big.remember({UserTurn("a"), UserTurn("b")});
    const std::int64_t written = blocks();
    const auto next = big.fetch({}, 10).next;
    EXPECT_EQ(big.fetch(next, 10).turns.size(), 10U);
    const std::int64_t read = blocks();
    EXPECT_GT(written - before, 5);
    EXPECT_LT(written - before, 50);
    EXPECT_GT(read - written, 5);
    EXPECT_LT(read - written, 50);
}

}  // namespace
}  // namespace stele
