// Model memories in draive's tables: who else writes to them, at the same time or in a transaction.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <thread>

#include "memory/elements.hpp"
#include "stele/model_memory.hpp"
#include "support/in_threads.hpp"
#include "support/python_tables.hpp"
#include "support/server.hpp"

namespace stele {
namespace {

using test::answer;
using test::in;
using test::out;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class StoredMemory : public ::testing::Test {
protected:
    std::string in_schema(const std::string& name) const { return database_.quoted_schema() + "." + name; }
    void execute(const std::string& sql) { database_.execute(Statement(Sql(sql))); }
    std::int64_t count(const std::string& from) {
        return database_.query(Statement(Sql("SELECT count(*) FROM " + in_schema(from))))[0].get<std::int64_t>(0);
    }
    std::vector<Timestamp> stamps(const std::string& table) {
        std::vector<Timestamp> all;
        for (const Row& row :
             database_.query(Statement(Sql("SELECT created FROM " + in_schema(table) + " ORDER BY created")))) {
            all.push_back(row.get<Timestamp>(0));
        }
        return all;
    }
    /// As draive's statements do, with a clock of its own.
    void write_as_draive(const std::string& identifier, const ModelElement& element, const std::string& created) {
        database_.execute(Statement(Sql("INSERT INTO " + in_schema("memories") +
                                        " (identifier) VALUES ($1) ON "
                                        "CONFLICT (identifier) DO NOTHING"),
                                    identifier));
        database_.execute(Statement(Sql("INSERT INTO " + in_schema("memories_elements") +
                                        " (identifier, content, created) VALUES ($1, $2::jsonb, " + created + ")"),
                                    identifier, to_json(element)));
    }

    test::Server server_;
    Database database_ = server_.open();
    ModelMemory memory_{database_, "thread"};
};

TEST_F(StoredMemory, draive_059_stamps_of_one_call_are_a_microsecond_apart) {
    memory_.remember({in("a"), out("b"), in("c")}, {.variables = Json::object()});
    const auto all = stamps("memories_elements");
    ASSERT_THAT(all, SizeIs(3));
    EXPECT_EQ(all[1] - all[0], std::chrono::microseconds(1));
    EXPECT_EQ(all[2] - all[1], std::chrono::microseconds(1));
    EXPECT_EQ(stamps("memories_variables")[0] - all[2], std::chrono::microseconds(1));
    EXPECT_EQ(memory_.recall().position.newest, stamps("memories_variables")[0]);
}

TEST_F(StoredMemory, draive_057_nothing_to_remember_asks_nobody) {
    Database bare = server_.bare();
    bare.execute(Statement(Sql("DROP SCHEMA " + server_.schema() + " CASCADE")));
    EXPECT_FALSE(memory_.remember({}).position);
    EXPECT_EQ(test::error_of([&] { memory_.remember({in("a")}); }).sqlstate, "3F000");
}

TEST_F(StoredMemory, draive_069_calls_at_the_same_time_never_mix) {
    constexpr int kCallers = 8, kCalls = 20;
    test::in_threads(kCallers, [&](int caller) {
        for (int call = 0; call < kCalls; ++call) {
            const std::string name = std::to_string(caller) + "." + std::to_string(call);
            memory_.remember({in(name), out(name), out(name)});
        }
    });
    const ModelMemoryRecall recalled = memory_.recall({.replay = Replay::all});
    ASSERT_EQ(recalled.context.size(), 3U * kCallers * kCalls);
    for (std::size_t i = 0; i < recalled.context.size(); i += 3) {
        const auto* first = std::get_if<ModelInput>(&recalled.context[i]);
        ASSERT_NE(first, nullptr) << i;
        const auto second = std::get<ModelOutput>(recalled.context[i + 1]);
        EXPECT_EQ(std::get<Content>(first->blocks[0]), std::get<Content>(second.blocks[0]));
        EXPECT_EQ(recalled.context[i + 1], recalled.context[i + 2]);
    }
    auto all = stamps("memories_elements");
    EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end()) << "two have the same stamp";
}

TEST_F(StoredMemory, draive_069_whoever_waits_for_a_transaction_comes_after_it) {
    Transaction transaction = database_.begin();
    memory_.in(transaction).remember({in("first")});
    std::thread other([&] { memory_.remember({out("second")}); });
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // either order of arrival is the same to the test
    memory_.in(transaction).remember({out("still first")});
    transaction.commit();
    other.join();
    EXPECT_THAT(memory_.recall().context, ElementsAre(in("first"), out("still first"), out("second")));
}

TEST_F(StoredMemory, draive_069_a_clock_ahead_of_the_server_is_no_harm) {
    write_as_draive("thread", in("from the future"), "now() + interval '1 hour'");
    memory_.remember({out("later all the same")});
    memory_.remember({in("and later")});
    EXPECT_THAT(memory_.recall().context,
                ElementsAre(in("from the future"), out("later all the same"), in("and later")));
}

TEST_F(StoredMemory, draive_070_context_and_variables_are_of_one_moment) {
    constexpr int kTurns = 200;
    const auto n = [](int i) { return Json::parse("{\"n\":" + std::to_string(i) + "}"); };
    std::thread writer([&] {
        for (int i = 0; i < kTurns; ++i) memory_.remember({in(std::to_string(i))}, {.variables = n(i)});
    });
    int seen = 0;
    while (seen < kTurns) {
        const ModelMemoryRecall recalled = memory_.recall();
        seen = static_cast<int>(recalled.context.size());
        const bool same =
            seen == 0 ? recalled.variables == Json::object() : same_value(recalled.variables, n(seen - 1));
        if (!same) ADD_FAILURE() << seen << " elements beside " << recalled.variables.text();
        if (!same) break;
    }
    writer.join();
}

TEST_F(StoredMemory, draive_071_deleting_the_memory_deletes_all_that_is_in_it) {
    memory_.remember({in("a")}, {.variables = Json::object(), .key = "k"});
    execute("DELETE FROM " + in_schema("memories"));
    EXPECT_EQ(count("memories_elements") + count("memories_variables") + count("stele_memory_keys"), 0);
    EXPECT_EQ(memory_.recall(), ModelMemoryRecall());
    EXPECT_FALSE(memory_.remember({in("a")}, {.key = "k"}).repeated);
}

TEST_F(StoredMemory, draive_066_what_is_no_element_is_told_with_its_memory) {
    memory_.remember({in("a")});
    execute("INSERT INTO " + in_schema("memories_elements") +
            " (identifier, content) VALUES ('thread', '{\"type\":\"model_note\"}')");
    const ErrorInfo error = test::error_of([&] { memory_.recall(); });
    EXPECT_EQ(error.code, ErrorCode::type_mismatch);
    EXPECT_THAT(error.message, HasSubstr("the memory \"thread\" holds what is no element"));
    EXPECT_THAT(error.message, HasSubstr("model_note"));
}

TEST_F(StoredMemory, draive_073_draive_reads_what_is_written_and_writes_what_is_read) {
    write_as_draive("thread", test::ask("c1"), "clock_timestamp()");
    write_as_draive("thread", in("hi"), "clock_timestamp()");
    memory_.remember({out("hello"), answer("c1")}, {.variables = Json::parse(R"({"n":1})")});
    // draive's own statements
    const Rows rows = database_.query(Statement(Sql("SELECT content::text FROM " + in_schema("memories_elements") +
                                                    " WHERE identifier = $1 ORDER BY created DESC LIMIT $2"),
                                                "thread", std::int64_t{2}));
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_TRUE(same_value(Json::parse(rows[0].get<std::string>(0)), to_json(answer("c1"))));
    const Rows variables =
        database_.query(Statement(Sql("SELECT variables::text FROM " + in_schema("memories_variables") +
                                      " WHERE identifier = $1 ORDER BY created DESC LIMIT 1"),
                                  "thread"));
    EXPECT_TRUE(same_value(Json::parse(variables[0].get<std::string>(0)), Json::parse(R"({"n":1})")));
    write_as_draive("thread", answer("c2"), "clock_timestamp()");
    EXPECT_THAT(memory_.recall().context, ElementsAre(in("hi"), out("hello")))
        << "what nothing asked for is passed over";
}

TEST_F(StoredMemory, draive_012_what_a_transaction_undoes_was_never_remembered) {
    Transaction transaction = database_.begin();
    ModelMemory inside = memory_.in(transaction);
    inside.remember({in("a")}, {.key = "k"});
    EXPECT_THAT(inside.recall().context, ElementsAre(in("a")));
    EXPECT_THAT(memory_.recall().context, IsEmpty());
    {
        Savepoint savepoint = transaction.savepoint();
        memory_.in(savepoint).remember({out("b")});
        EXPECT_EQ(test::error_of([&] { inside.remember({out("c")}); }).code, ErrorCode::invalid_argument);
    }
    EXPECT_THROW(inside.remember({in("x")}, {.expected = MemoryPosition()}), MemoryMoved);
    EXPECT_THAT(inside.recall().context, ElementsAre(in("a"))) << "the transaction goes on";
    transaction.rollback();
    EXPECT_FALSE(memory_.remember({in("a")}, {.key = "k"}).repeated);
    EXPECT_EQ(test::error_of([&] { inside.in(transaction); }).code, ErrorCode::invalid_argument);
}

TEST_F(StoredMemory, draive_069_a_snapshot_that_is_too_old_to_see_the_newest_is_refused) {
    memory_.remember({in("a")});
    Transaction old = database_.begin({.isolation = Isolation::repeatable_read});
    EXPECT_THAT(memory_.in(old).recall().context, SizeIs(1));
    memory_.remember({out("b")});
    const ErrorInfo error = test::error_of([&] { memory_.in(old).remember({out("c")}); });
    EXPECT_EQ(error.code, ErrorCode::serialization);
    EXPECT_EQ(error.retry, Retry::transaction);
}

TEST_F(StoredMemory, one_of_many_turns_that_saw_the_same_is_stored) {
    const MemoryPosition seen = memory_.remember({in("a")}).position.value();
    std::atomic<int> stored{0}, moved{0};
    test::in_threads(8, [&](int caller) {
        try {
            memory_.remember({out(std::to_string(caller))}, {.expected = seen});
            ++stored;
        } catch (const MemoryMoved&) {
            ++moved;
        }
    });
    EXPECT_EQ(stored, 1);
    EXPECT_EQ(moved, 7);
    EXPECT_THAT(memory_.recall().context, SizeIs(2));
}

TEST_F(StoredMemory, one_of_many_calls_with_a_key_is_stored) {
    std::atomic<int> repeated{0};
    test::in_threads(8, [&](int) { repeated += memory_.remember({in("a")}, {.key = "k"}).repeated ? 1 : 0; });
    EXPECT_EQ(repeated, 7);
    EXPECT_THAT(memory_.recall().context, SizeIs(1));
}

TEST_F(StoredMemory, a_recall_of_the_newest_reads_by_the_index) {
    std::vector<ModelElement> many(2000, in("x"));
    memory_.remember(many);
    for (int i = 0; i < 20; ++i) ModelMemory(database_, "other " + std::to_string(i)).remember(many);
    execute("ANALYZE " + in_schema("memories_elements"));
    std::string plan;
    for (const Row& row : database_.query(Statement(
             Sql("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT content, created FROM " +
                 in_schema("memories_elements") + " WHERE identifier = 'thread' ORDER BY created DESC LIMIT 50")))) {
        plan += row.get<std::string>(0) + "\n";
    }
    EXPECT_THAT(plan, HasSubstr("stele_memories_elements_order"));
    EXPECT_THAT(plan, HasSubstr("rows=50"));
    EXPECT_THAT(plan, ::testing::Not(HasSubstr("Sort")));
}

TEST_F(StoredMemory, a_request_is_found_by_an_index_however_many_there_were) {
    // some models use an identifier again and again
    for (const auto& [name, identifier] :
         std::map<std::string, std::string>{{"call 3", "'call ' || n"}, {"0", "'0'"}}) {
        ModelMemory memory(database_, name);
        memory.maintenance();
        database_.execute(
            Statement(Sql("INSERT INTO " + in_schema("memories_elements") +
                          " SELECT $1, jsonb_build_object('type', 'model_output', 'blocks', "
                          "jsonb_build_array(jsonb_build_object('type', 'tool_request', 'tool', 't', 'identifier', " +
                          identifier +
                          "))), timestamptz '2020-01-01Z' + n * interval '1 s' FROM "
                          "generate_series(1, 5000) n"),
                      name));
        Transaction transaction = database_.begin();
        memory.in(transaction).remember({answer(name), out("x")});
        EXPECT_EQ(test::error_of([&] { memory.in(transaction).remember({answer("call 0")}); }).code,
                  ErrorCode::invalid_argument);
        const Rows rows = transaction.query(Statement(
            Sql("SELECT pg_stat_get_xact_tuples_fetched(oid), pg_stat_get_xact_tuples_returned(oid) FROM pg_class "
                "WHERE oid = '" +
                in_schema("memories_elements") + "'::regclass")));
        EXPECT_LT(rows[0].get<std::int64_t>(0), 50) << "of 5,000";
        EXPECT_EQ(rows[0].get<std::int64_t>(1), 0) << "none but by an index";
        transaction.commit();
    }
}

TEST(AdoptedMemory, draive_073_goes_on_where_draive_left_it) {
    test::Server server;
    {
        Database bare = server.bare();
        test::create_tables(bare, test::kDraiveMemories);
        const std::string schema = bare.quoted_schema();
        bare.execute(Statement(Sql("INSERT INTO " + schema + ".memories VALUES ('old', now() - interval '1 day')")));
        bare.execute(Statement(Sql("INSERT INTO " + schema +
                                   ".memories_elements VALUES ('old', $1, now() - interval "
                                   "'1 day')"),
                               to_json(in("long ago"))));
    }
    Database database = server.open();
    ModelMemory memory(database, "old");
    memory.remember({out("now")});
    EXPECT_THAT(memory.recall().context, ElementsAre(in("long ago"), out("now")));
}

}  // namespace
}  // namespace stele
