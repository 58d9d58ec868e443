// Behind a real PgBouncer in transaction mode, with fewer server connections than callers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <set>
#include <thread>
#include <vector>

#include "base/mutex.hpp"
#include "stele/adopt.hpp"
#include "stele/hashing_embedder.hpp"
#include "stele/migrations.hpp"
#include "stele/semantic_cache.hpp"
#include "support/in_threads.hpp"
#include "support/pgbouncer.hpp"
#include "support/python_tables.hpp"
#include "support/server.hpp"
#include "support/session.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::backend_pid;
using test::end_session;
using test::error_of;
using test::in_threads;
using test::PgBouncer;
using test::Server;
using testing::AllOf;
using testing::HasSubstr;

class BehindPgBouncer : public testing::Test {
protected:
    DatabaseOptions options(const PgBouncer& pooler) const {
        DatabaseOptions options = server.options(pooler.dsn());
        options.pooler = Pooler::transaction;
        return options;
    }
    DatabaseOptions options() const { return options(bouncer); }
    std::int64_t count(Database& database, const std::string& table) const {
        return database.query(Statement(Sql("SELECT count(*) FROM " + server.schema() + "." + table)).repeatable())[0]
            .get<std::int64_t>(0);
    }

    Server server;
    PgBouncer bouncer;
};

TEST_F(BehindPgBouncer, many_callers_share_two_sessions_and_each_gets_its_own_answers) {
    Database database = Database::open(options());
    Mutex mutex;
    std::set<int> sessions;
    in_threads(16, [&](int t) {
        for (int i = 0; i < 50; ++i) {
            const int number = t * 1'000 + i;
            const Row row = database.query({"SELECT $1::int AS number, pg_backend_pid() AS session", number})[0];
            EXPECT_EQ(row.get<int>("number"), number);
            const MutexLock lock(mutex);
            sessions.insert(row.get<int>("session"));
        }
    });
    EXPECT_LE(sessions.size(), 2u);
    EXPECT_EQ(database.query("SELECT count(*) FROM pg_prepared_statements")[0].get<int>(0), 0);
}

TEST_F(BehindPgBouncer, a_schema_is_adopted_and_given_back_and_no_session_keeps_a_trace) {
    DatabaseOptions bare = options();
    bare.bare = true;
    Database database = Database::open(bare);
    test::create_tables(database, test::kDraive);
    EXPECT_FALSE(plan_adoption(database).created.empty());
    adopt(database);
    check_migrated(database);
    EXPECT_EQ(count(database, "stele_changes"), 0);
    undo_adoption(database);
    EXPECT_EQ(count(database, "configurations"), 1);
    const Statement left("SELECT count(*) FROM pg_class WHERE relnamespace = pg_my_temp_schema()");
    EXPECT_EQ(database.query(left)[0].get<std::int64_t>(0), 0);
}

TEST_F(BehindPgBouncer, statements_that_may_travel_together_work) {
    Database database = Database::open(options());
    const std::string table = server.schema() + ".numbers";
    database.execute(Statement(Sql("CREATE TABLE " + table + " (n bigint PRIMARY KEY, text text)")));
    const std::string insert = "INSERT INTO " + table + " VALUES ($1, $2)";
    const std::string select = "SELECT n, text FROM " + table + " WHERE n = $1";
    in_threads(16, [&](int t) {
        for (std::int64_t i = 0; i < 20; ++i) {
            const std::int64_t n = t * 100 + i;
            const std::string text = "text " + std::to_string(n);
            database.execute(Statement(Sql(insert), n, text).group_commit(table + "/" + std::to_string(n)));
            EXPECT_EQ(database.query(Statement(Sql(select), n).read())[0].get<std::string>("text"), text);
            EXPECT_EQ(database.query(Statement(Sql(select), n).read_by_key())[0].get<std::string>("text"), text);
            EXPECT_EQ(database.query(Statement(Sql(select), n).slow_read())[0].get<std::string>("text"), text);
            EXPECT_TRUE(database.query(Statement(Sql(select), -n - 1).read_by_key()).empty());
        }
    });
    EXPECT_EQ(count(database, "numbers"), 320);
    // an error is its own statement's only
    EXPECT_EQ(error_of([&] {
                  database.execute(Statement(Sql(insert), std::int64_t{1}, "again").group_commit(table + "/1"));
              }).sqlstate,
              "23505");
}

TEST_F(BehindPgBouncer, batches_are_one_transaction) {
    Database database = Database::open(options());
    const std::string table = server.schema() + ".schema_meta";
    const std::int64_t before = count(database, "schema_meta");
    const auto insert = [&](const std::string& key) {
        return Statement(Sql("INSERT INTO " + table + " VALUES ($1, '')"), key);
    };
    in_threads(8, [&](int t) {
        const std::string key = "key " + std::to_string(t);
        const Statement good[] = {insert(key), insert(key + " too")};
        const Statement bad[] = {insert(key + " never"), insert(key)};
        database.run(good);
        EXPECT_EQ(error_of([&] { database.run(bad); }).sqlstate, "23505");
    });
    EXPECT_EQ(count(database, "schema_meta"), before + 16);
}

TEST_F(BehindPgBouncer, transactions_keep_their_session_from_begin_to_commit) {
    Database database = Database::open(options());
    const std::string table = server.schema() + ".schema_meta";
    const std::int64_t before = count(database, "schema_meta");
    in_threads(8, [&](int t) {
        for (int i = 0; i < 10; ++i) {
            database.transaction([&](Transaction& transaction) {
                const int session = backend_pid(transaction);
                const std::string key = std::to_string(t) + "/" + std::to_string(i);
                transaction.execute(Statement(Sql("INSERT INTO " + table + " VALUES ($1, '')"), key));
                {
                    Savepoint savepoint = transaction.savepoint();
                    savepoint.execute(Statement(Sql("INSERT INTO " + table + " VALUES ($1, '')"), key + " undone"));
                }
                EXPECT_EQ(backend_pid(transaction), session);
            });
        }
    });
    EXPECT_EQ(count(database, "schema_meta"), before + 80);
}

TEST_F(BehindPgBouncer, a_transaction_whose_session_dies_says_so_and_is_run_again) {
    Database database = Database::open(options());
    const std::string table = server.schema() + ".schema_meta";
    Database direct = server.bare();
    const std::int64_t before = count(database, "schema_meta");
    int runs = 0;
    database.transaction([&](Transaction& transaction) {
        transaction.execute(Statement(Sql("INSERT INTO " + table + " VALUES ('once', '')")));
        const int session = backend_pid(transaction);
        if (++runs < 3) end_session(direct, session);
    });
    EXPECT_EQ(runs, 3);
    EXPECT_EQ(count(database, "schema_meta"), before + 1);
}

TEST_F(BehindPgBouncer, the_statement_timeout_holds_inside_transactions_and_nowhere_else) {
    DatabaseOptions limited = options();
    limited.statement_timeout = 200ms;
    Database database = Database::open(limited);
    Transaction transaction = database.begin();
    EXPECT_EQ(transaction.query("SHOW statement_timeout")[0].get<std::string>(0), "200ms");
    EXPECT_EQ(error_of([&] { transaction.execute("SELECT pg_sleep(5)"); }).sqlstate, "57014");
    transaction.rollback();
    EXPECT_EQ(database.query("SHOW statement_timeout")[0].get<std::string>(0), "0");
    Transaction inside = database.begin({Isolation::serializable, true, true});
    EXPECT_EQ(inside.query("SHOW transaction_isolation")[0].get<std::string>(0), "serializable");
    Savepoint savepoint = inside.savepoint();
    savepoint.release();
    EXPECT_EQ(inside.query("SHOW statement_timeout")[0].get<std::string>(0), "200ms");
    inside.commit();
}

TEST_F(BehindPgBouncer, migrations_of_both_kinds_run_and_exclude_each_other) {
    const std::vector<Migration> all = {
        {1, "table", "CREATE TABLE {schema}.things (n int);\nINSERT INTO {schema}.things VALUES (1);\n", true},
        {2, "index", "CREATE INDEX CONCURRENTLY IF NOT EXISTS things_n ON {schema}.things (n);\n", false}};
    DatabaseOptions bare = options();
    bare.bare = true;
    Database one = Database::open(bare), two = Database::open(bare);
    in_threads(2, [&](int t) { migrate(t == 0 ? one : two, Deadline::after(60s), all); });
    EXPECT_EQ(count(one, "things"), 1);
    EXPECT_EQ(migration_status(one, {}, all)[1].applied, true);
    EXPECT_FALSE(one.query("SELECT FROM pg_indexes WHERE indexname = 'things_n'").empty());
}

TEST_F(BehindPgBouncer, the_semantic_cache_works_for_many_callers) {
    Database database = Database::open(options());
    SemanticCache cache(database, std::make_shared<HashingEmbedder>());
    in_threads(8, [&](int t) {
        for (int i = 0; i < 10; ++i) {
            const std::string question = "What is " + std::to_string(t) + " times " + std::to_string(i) + "?";
            cache.put(question, std::to_string(t * i));
            GetOptions exact;
            exact.similarity_threshold = 0.99F;
            const auto hit = cache.get(question, {}, exact);
            ASSERT_TRUE(hit);
            EXPECT_EQ(hit->response, std::to_string(t * i));
        }
    });
    EXPECT_EQ(cache.stats().entries, 80);
    EXPECT_TRUE(cache.remove("What is 1 times 1?"));
    EXPECT_EQ(cache.list().size(), 50u);
    cache.close();
}

TEST_F(BehindPgBouncer, what_needs_a_session_is_refused_with_what_to_do) {
    Database database = Database::open(options());
    EXPECT_THAT(error_of([&] { database.connect(); }).message, HasSubstr("use a transaction"));
    EXPECT_THAT(error_of([&] { database.execute("LISTEN news"); }).message, HasSubstr("LISTEN needs a session"));
    Transaction transaction = database.begin();
    EXPECT_THAT(error_of([&] { transaction.execute("SET search_path = nowhere"); }).message, HasSubstr("SET LOCAL"));
    EXPECT_NO_THROW(transaction.execute("SET LOCAL search_path = nowhere"));
    transaction.commit();
    DatabaseOptions initialised = options();
    initialised.initialize = [](Executor&) {};
    EXPECT_EQ(error_of([&] { Database::open(initialised); }).code, ErrorCode::invalid_argument);
}

TEST_F(BehindPgBouncer, the_connection_string_can_say_it_too) {
    DatabaseOptions by_dsn = options();
    by_dsn.pooler = Pooler::none;
    by_dsn.dsn += " pooler=transaction";
    Database database = Database::open(by_dsn);
    EXPECT_EQ(database.options().pooler, Pooler::transaction);
    EXPECT_EQ(database.query("SELECT 7")[0].get<int>(0), 7);
}

TEST_F(BehindPgBouncer, saying_nothing_of_it_is_answered_with_the_option_to_set) {
    DatabaseOptions unaware = options();
    unaware.pooler = Pooler::none;
    const ErrorInfo error = error_of([&] { Database::open(unaware); });
    EXPECT_EQ(error.code, ErrorCode::unavailable);
    EXPECT_EQ(error.retry, Retry::no);
    EXPECT_THAT(error.message, AllOf(HasSubstr("PgBouncer"), HasSubstr("pooler=transaction")));
    EXPECT_THAT(error.server_message, HasSubstr("unsupported startup parameter"));
}

TEST_F(BehindPgBouncer, saying_nothing_of_it_gives_errors_that_name_the_option_but_never_another_s_answer) {
    // PgBouncer drops the option that it would refuse, and hands named statements to whichever session is free
    PgBouncer lenient({.more = "ignore_startup_parameters = options"});
    DatabaseOptions unaware = options(lenient);
    unaware.pooler = Pooler::none;
    unaware.bare = true;
    Database one = Database::open(unaware), two = Database::open(unaware);
    std::atomic<int> wrong{0}, failed{0}, unexplained{0};
    in_threads(6, [&](int t) {
        Database& mine = t % 2 == 0 ? one : two;
        const std::string sql = "SELECT " + std::to_string(t) + " + $1";
        for (int i = 0; i < 50; ++i) {
            try {
                wrong += mine.query(Statement(Sql(sql), i))[0].get<int>(0) != t + i;
            } catch (const Error& error) {
                ++failed;
                unexplained += std::string(error.what()).find("pooler=transaction") == std::string::npos;
            }
        }
    });
    EXPECT_EQ(wrong, 0);
    EXPECT_EQ(unexplained, 0) << "of " << failed;
}

TEST_F(BehindPgBouncer, in_session_mode_nothing_has_to_be_said_but_that_options_may_pass) {
    PgBouncer sessions(
        {.pool_mode = "session", .server_connections = 5, .more = "ignore_startup_parameters = options"});
    DatabaseOptions plain = options(sessions);
    plain.pooler = Pooler::none;
    plain.max_connections = 3;
    Database database = Database::open(plain);
    Connection connection = database.connect();
    connection.execute("SET application_name = 'mine'");
    EXPECT_EQ(connection.query("SHOW application_name")[0].get<std::string>(0), "mine");
}

TEST_F(BehindPgBouncer, a_pooler_that_is_restarted_costs_reads_time_and_no_error) {
    Database database = Database::open(options());
    database.query("SELECT 1");
    bouncer.stop();
    std::thread callers([&] {
        in_threads(6,
                   [&](int t) { EXPECT_EQ(database.query(Statement("SELECT $1::int", t).read())[0].get<int>(0), t); });
    });
    std::this_thread::sleep_for(300ms);
    bouncer.start();
    callers.join();
}

}  // namespace
}  // namespace stele
