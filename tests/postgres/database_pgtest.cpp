#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "stele/database.hpp"
#include "support/eventually.hpp"
#include "support/in_threads.hpp"
#include "support/server.hpp"
#include "support/session.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::backend_pid;
using test::end_session;
using test::error_of;
using test::eventually;
using test::has_session;
using test::in_threads;
using test::Server;

TEST(Database, runs_statements_with_typed_parameters_and_rows) {
    Server server;
    Database database = server.bare();
    const Rows rows =
        database.query({"SELECT $1::int + 1 AS n, $2 AS text, $3::bytea AS bytes, $4::uuid AS id, $5::timestamptz AS "
                        "at, $6::jsonb AS doc,"
                        " 1.25::numeric AS amount, $7::bigint[] AS list",
                        41, "wört", Bytes{std::byte{7}}, Uuid{}, Timestamp{}, Json::parse(R"({"k":1})"),
                        std::vector<std::int64_t>{3, 4}});
    ASSERT_EQ(rows.size(), 1u);
    const Row row = rows[0];
    EXPECT_EQ(row.get<int>("n"), 42);
    EXPECT_EQ(row.get<std::string>("text"), "wört");
    EXPECT_EQ(row.get<Bytes>("bytes"), Bytes{std::byte{7}});
    EXPECT_EQ(row.get<Uuid>("id"), Uuid{});
    EXPECT_EQ(row.get<Timestamp>("at"), Timestamp{});
    EXPECT_EQ(row.get<Json>("doc").text(), R"({"k": 1})");
    EXPECT_EQ(row.get<double>("amount"), 1.25);
    EXPECT_EQ(row.get<std::vector<std::int64_t>>("list"), (std::vector<std::int64_t>{3, 4}));
}

TEST(Database, draive_009_reads_numeric_exactly_as_the_nearest_double) {
    Server server;
    Database database = server.bare();
    for (const char* number :
         {"0", "1", "-1", "0.1", "-12345.678901234567890123", "1e20", "1e-20", "99999999.9999", "10000"}) {
        const Row row = *database.query_one({"SELECT $1::text::numeric AS n, $1::text::float8 AS f", number});
        EXPECT_EQ(row.get<double>("n"), row.get<double>("f")) << number;
    }
    EXPECT_TRUE(std::isnan(database.query("SELECT 'NaN'::numeric")[0].get<double>(0)));
}

TEST(Database, draive_007_query_one_gives_the_first_row_or_nothing) {
    Server server;
    Database database = server.bare();
    EXPECT_FALSE(database.query_one("SELECT 1 WHERE false"));
    EXPECT_EQ(database.query_one("SELECT * FROM generate_series(3, 9)")->get<int>(0), 3);
}

TEST(Database, refuses_two_commands_in_one_statement) {
    Server server;
    Database database = server.bare();
    EXPECT_EQ(error_of([&] { database.execute("SELECT 1; SELECT 2"); }).sqlstate, "42601");
}

TEST(Database, draive_014_a_unique_violation_names_its_constraint_and_sqlstate) {
    Server server;
    Database database = server.open();
    const Statement insert(Sql("INSERT INTO " + server.schema() + ".schema_meta (key, value) VALUES ('k', 'v')"));
    database.execute(insert);
    const ErrorInfo error = error_of([&] { database.execute(insert); });
    EXPECT_EQ(error.code, ErrorCode::constraint_violation);
    EXPECT_EQ(error.sqlstate, "23505");
    EXPECT_THAT(error.message, testing::HasSubstr("schema_meta_pkey"));
    EXPECT_FALSE(error.in_doubt);
}

TEST(Database, a_batch_is_one_transaction_and_names_the_statement_that_undid_it) {
    Server server;
    Database database = server.open();
    const std::string table = server.schema() + ".schema_meta";
    const Statement batch[] = {Statement(Sql("INSERT INTO " + table + " VALUES ('a', '1')")), Statement("SELECT 1 / 0"),
                               Statement(Sql("INSERT INTO " + table + " VALUES ('b', '2')"))};
    const ErrorInfo error = error_of([&] { database.run(batch); });
    EXPECT_THAT(error.message, testing::HasSubstr("statement 2 of 3"));
    EXPECT_EQ(error.sqlstate, "22012");
    EXPECT_FALSE(database.query_one(Statement(Sql("SELECT FROM " + table + " WHERE key = 'a'"))));
}

TEST(Database, a_deferred_constraint_that_fails_at_the_commit_of_a_batch_is_its_error) {
    Server server;
    Database database = server.open();
    const std::string table = server.schema() + ".deferred";
    database.execute(Statement(Sql("CREATE TABLE " + table + " (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)")));
    const Statement twice[] = {Statement(Sql("INSERT INTO " + table + " VALUES (1)")),
                               Statement(Sql("INSERT INTO " + table + " VALUES (1)"))};
    EXPECT_EQ(error_of([&] { database.run(twice); }).sqlstate, "23505");
    EXPECT_EQ(database.query(Statement(Sql("SELECT FROM " + table))).size(), 0u);
    EXPECT_EQ(database.query("SELECT 5")[0].get<int>(0), 5);  // the connection is in step
    const Statement both(Sql("INSERT INTO " + table + " SELECT 2 FROM generate_series(1, 2)"));
    EXPECT_EQ(error_of([&] { database.execute(both); }).sqlstate, "23505");
    EXPECT_EQ(database.query(Statement(Sql("SELECT FROM " + table))).size(), 0u);
}

TEST(Database, a_connection_stays_in_step_whether_one_statement_or_several_travel_and_whatever_fails) {
    Server server;
    DatabaseOptions options = server.bare_options();
    options.max_connections = 1;
    options.max_prepared = 2;
    Database database = Database::open(options);
    Connection connection = database.connect();
    std::mt19937 random(7);
    for (int i = 0; i < 300; ++i) {
        const Statement good("SELECT $1::int AS n", i), another("SELECT $1::int + 1", i), bad("SELECT 1 / $1::int", 0);
        switch (random() % 5) {
            case 0: EXPECT_EQ(connection.query(good)[0].get<int>(0), i); break;
            case 1: EXPECT_EQ(connection.query(another)[0].get<int>(0), i + 1); break;
            case 2: EXPECT_EQ(error_of([&] { connection.query(bad); }).sqlstate, "22012"); break;
            case 3: {
                const std::vector<Rows> answers = connection.run(std::vector{good, another, good});
                EXPECT_EQ(answers[1][0].get<int>(0), i + 1);
                EXPECT_EQ(answers[2][0].get<int>(0), i);
                break;
            }
            default: EXPECT_EQ(error_of([&] { connection.run(std::vector{another, bad, good}); }).sqlstate, "22012");
        }
    }
}

TEST(Database, large_batches_flow_both_ways_without_blocking) {
    Server server;
    Database database = server.bare();
    const std::string text(100'000, 'x');
    std::vector<Statement> batch;
    for (int i = 0; i < 100; ++i) batch.emplace_back("SELECT $1 AS text", text);
    const std::vector<Rows> answers = database.run(batch);
    ASSERT_EQ(answers.size(), batch.size());
    for (const Rows& rows : answers) EXPECT_EQ(rows[0].get<std::string_view>("text"), text);
}

TEST(Database, draive_015_an_initialiser_runs_once_on_every_new_connection) {
    Server server;
    DatabaseOptions options = server.bare_options();
    std::atomic<int> runs{0};
    options.initialize = [&runs](Executor& connection) {
        ++runs;
        connection.execute("SET application_name = 'initialised'");
    };
    Database database = Database::open(options);
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(database.query("SHOW application_name")[0].get<std::string>(0), "initialised");
    }
    EXPECT_EQ(runs, 1);
    {
        Connection one = database.connect();
        Connection two = database.connect();
        EXPECT_EQ(two.query("SHOW application_name")[0].get<std::string>(0), "initialised");
        EXPECT_EQ(runs, 2);
    }
}

TEST(Database, an_exclusive_connection_leaves_no_session_state_behind) {
    Server server;
    Database database = server.single();
    const int pid = backend_pid(database);
    {
        Connection connection = database.connect();
        connection.execute("SET search_path = nowhere");
        connection.execute("SELECT pg_advisory_lock(42)");
        connection.execute("CREATE TEMP TABLE leftover (n int)");
    }
    EXPECT_EQ(backend_pid(database), pid);
    EXPECT_NE(database.query("SHOW search_path")[0].get<std::string>(0), "nowhere");
    EXPECT_TRUE(database.query("SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()").empty());
    EXPECT_EQ(error_of([&] { database.query("SELECT * FROM leftover"); }).sqlstate, "42P01");
    EXPECT_EQ(database.query("SHOW statement_timeout")[0].get<std::string>(0), "1min");
}

TEST(Database, a_connection_that_is_assigned_over_leaves_nothing_behind_either) {
    Server server;
    Database database = server.single();
    Database other = server.bare();
    Connection connection = database.connect();
    connection.execute("SET search_path = nowhere");
    connection = other.connect();
    EXPECT_NE(database.query("SHOW search_path")[0].get<std::string>(0), "nowhere");
}

TEST(Database, draive_013_a_full_pool_fails_at_the_deadline_with_the_numbers) {
    Server server;
    Database database = server.single();
    Connection held = database.connect();
    const ErrorInfo error = error_of([&] { database.query("SELECT 1", Deadline::after(50ms)); });
    EXPECT_EQ(error.code, ErrorCode::pool_exhausted);
    EXPECT_THAT(error.message, testing::HasSubstr("1 of 1 in use"));
}

TEST(Database, serves_many_threads_over_few_connections) {
    Server server;
    DatabaseOptions options = server.bare_options();
    options.max_connections = 3;
    Database database = Database::open(options);
    std::atomic<int> wrong{0};
    in_threads(16, [&](int t) {
        for (int i = 0; i < 100; ++i) {
            if (database.query({"SELECT $1::int", t * 1000 + i})[0].get<int>(0) != t * 1000 + i) ++wrong;
        }
    });
    EXPECT_EQ(wrong, 0);
    EXPECT_LE(database.pool().idle, 3u);
    EXPECT_EQ(database.pool().in_use, 0u);
}

TEST(Database, a_statement_past_its_deadline_fails_and_the_next_one_works) {
    Server server;
    Database database = server.bare();
    // a sleeping statement goes on when its connection is closed: not for long, others wait to build an index
    const ErrorInfo error = error_of([&] { database.query("SELECT pg_sleep(1)", Deadline::after(100ms)); });
    EXPECT_EQ(error.code, ErrorCode::deadline_exceeded);
    EXPECT_TRUE(error.in_doubt);  // it may have done something
    EXPECT_FALSE(error_of([&] {
                     database.query(Statement("SELECT pg_sleep(1)").repeatable(), Deadline::after(100ms));
                 }).in_doubt);
    EXPECT_EQ(database.query("SELECT 1")[0].get<int>(0), 1);
}

TEST(Database, a_deadline_that_has_passed_before_the_call_costs_no_connection) {
    Server server;
    Database database = server.bare();
    const int pid = backend_pid(database);
    const ErrorInfo error = error_of([&] { database.query("SELECT 1", Deadline::after(0ms)); });
    EXPECT_EQ(error.code, ErrorCode::deadline_exceeded);
    EXPECT_FALSE(error.in_doubt);
    EXPECT_EQ(backend_pid(database), pid);
}

TEST(Database, repeatable_statements_survive_the_loss_of_their_connection) {
    Server server;
    Database database = server.single();
    Database other = server.bare();
    backend_pid(other);  // connected: the session must be ended while its statement runs
    for (int i = 0; i < 3; ++i) {
        const int pid = backend_pid(database);
        std::thread killer([&other, pid] {
            std::this_thread::sleep_for(30ms);
            end_session(other, pid);
        });
        EXPECT_NO_THROW(database.query(Statement("SELECT pg_sleep(0.5)").repeatable()));
        killer.join();
    }
}

TEST(Database, a_write_whose_connection_is_lost_is_reported_as_in_doubt_and_not_sent_twice) {
    Server server;
    DatabaseOptions options = server.options();
    options.max_connections = 1;
    Database database = Database::open(options);
    Database other = server.bare();
    const std::string table = server.schema() + ".schema_meta";
    const int pid = backend_pid(database);
    std::thread killer([&other, pid] {
        std::this_thread::sleep_for(50ms);
        end_session(other, pid);
    });
    const ErrorInfo error = error_of(
        [&] { database.execute(Statement(Sql("INSERT INTO " + table + " SELECT 'slow', pg_sleep(5)::text"))); });
    killer.join();
    EXPECT_EQ(error.code, ErrorCode::unavailable);
    EXPECT_TRUE(error.in_doubt);
    EXPECT_EQ(error.retry, Retry::no);
    EXPECT_FALSE(database.query_one(Statement(Sql("SELECT FROM " + table + " WHERE key = 'slow'"))));
}

class IdleConnection : public testing::TestWithParam<std::string> {};

TEST_P(IdleConnection, that_died_is_noticed_before_it_is_used) {
    Server server;
    DatabaseOptions options = server.bare_options(GetParam() == "tcp" ? test::tcp_dsn() : test::server_dsn());
    options.max_connections = 1;
    Database database = Database::open(options);
    Database other = server.bare();
    for (int i = 0; i < 3; ++i) {
        end_session(other, backend_pid(database));
        std::this_thread::sleep_for(200ms);
        EXPECT_NO_THROW(database.execute("SELECT 1"));  // not repeatable: it must not have been lost
    }
}

INSTANTIATE_TEST_SUITE_P(Database, IdleConnection, testing::Values("unix_socket", "tcp"),
                         [](const auto& each) { return each.param; });

TEST(Database, a_server_that_does_not_answer_is_passed_over_for_the_next_one) {
    const int mute = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    ASSERT_EQ(::bind(mute, reinterpret_cast<const sockaddr*>(&address), length), 0);
    ASSERT_EQ(::listen(mute, 8), 0);
    ASSERT_EQ(::getsockname(mute, reinterpret_cast<sockaddr*>(&address), &length), 0);
    std::map<std::string, std::string> parameters = Dsn::parse(test::tcp_dsn()).parameters();
    DatabaseOptions options;
    options.bare = true;
    options.dsn =
        "user=" + parameters["user"] + " password=" + parameters["password"] + " dbname=" + parameters["dbname"] +
        " host=127.0.0.1,127.0.0.1 port=" + std::to_string(ntohs(address.sin_port)) + "," + parameters["port"];
    options.connect_timeout = 200ms;
    EXPECT_EQ(Database::open(options).query("SELECT 1")[0].get<int>(0), 1);
    ::close(mute);
}

TEST(Database, copy_is_refused_with_advice_and_the_next_statement_works) {
    Server server;
    Database database = server.bare();
    for (const Sql& copy : {Sql("COPY (SELECT 1) TO STDOUT"), Sql("COPY pg_class FROM STDIN")}) {
        const ErrorInfo error = error_of([&] { database.execute(Statement(copy)); });
        EXPECT_EQ(error.code, ErrorCode::invalid_argument) << error.message;
        EXPECT_THAT(error.message, testing::HasSubstr("COPY"));
        EXPECT_FALSE(error.in_doubt);
        EXPECT_EQ(database.query("SELECT 1")[0].get<int>(0), 1);
    }
}

TEST(Database, statements_are_prepared_anew_when_their_table_changed_or_the_server_forgot_them) {
    Server server;
    DatabaseOptions options = server.options();
    options.max_connections = 1;
    Database database = Database::open(options);
    const std::string table = server.schema() + ".changing";
    database.execute(Statement(Sql("CREATE TABLE " + table + " (n int)")));
    const Statement read(Sql("SELECT * FROM " + table));
    database.query(read);
    database.execute(Statement(Sql("ALTER TABLE " + table + " ADD COLUMN text text")));
    EXPECT_NO_THROW(database.query(read));
    {
        Connection connection = database.connect();
        connection.query(read);
        connection.execute(Statement(Sql("ALTER TABLE " + table + " ADD COLUMN more text")));
        EXPECT_NO_THROW(connection.query(read));
    }
    database.execute(Statement(Sql("ALTER TABLE " + table + " ADD COLUMN still_more text")));
    int runs = 0;
    database.transaction([&](Transaction& transaction) {
        ++runs;
        transaction.query(read);
    });
    EXPECT_EQ(runs, 2);
    database.execute("DEALLOCATE ALL");
    EXPECT_NO_THROW(database.query(read));
}

TEST(Database, many_different_statements_do_not_pile_up_on_the_server) {
    Server server;
    DatabaseOptions options = server.bare_options();
    options.max_connections = 1;
    options.max_prepared = 10;
    Database database = Database::open(options);
    for (int i = 0; i < 50; ++i) database.query(Statement(Sql("SELECT " + std::to_string(i))));
    EXPECT_LE(database.query("SELECT count(*) FROM pg_prepared_statements")[0].get<int>(0), 11);
    options.max_prepared = 0;
    Database unnamed = Database::open(options);
    EXPECT_EQ(unnamed.query({"SELECT $1::int", 5})[0].get<int>(0), 5);
    EXPECT_EQ(unnamed.query("SELECT count(*) FROM pg_prepared_statements")[0].get<int>(0), 0);
}

TEST(Database, closes_its_connections_with_its_last_copy) {
    Server server;
    Database watcher = server.bare();
    int pid = 0;
    {
        Database database = server.bare();
        const Database copy = database;
        pid = backend_pid(database);
    }
    EXPECT_TRUE(eventually([&] { return !has_session(watcher, pid); }, 2s));
}

}  // namespace
}  // namespace stele
