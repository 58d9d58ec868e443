// Statements of many callers on few connections.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <random>
#include <thread>

#include "postgres/lane_rows.hpp"
#include "support/in_threads.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::error_of;
using test::expect_row;
using test::in_threads;
using test::row;
using test::Server;
using test::with_rows;
using testing::AnyOf;
using testing::HasSubstr;

TEST(Lanes, answer_each_of_many_callers_with_its_own_rows_on_two_connections) {
    Server server;
    Database database = with_rows(server);
    in_threads(32, [&](int caller) {
        for (int i = 0; i < 100; ++i) {
            const int n = (caller * 100 + i) % 1000;
            expect_row(database.query(row(database, n).read()), n);
        }
    });
    EXPECT_LE(database.pool().idle, 2u + 1u);
    EXPECT_EQ(database.pool().in_use, 0u) << "a lane keeps its connection while nobody waits";
}

TEST(Lanes, merge_reads_by_key_and_give_each_caller_its_row_or_none) {
    Server server;
    Database database = with_rows(server);
    in_threads(32, [&](int caller) {
        for (int i = 0; i < 100; ++i) {
            const int n = (caller * 100 + i) % 1100;
            const Rows rows = database.query(row(database, n).read_by_key());
            if (n < 1000) {
                expect_row(rows, n);
            } else {
                EXPECT_TRUE(rows.empty()) << n;
            }
        }
    });
}

TEST(Lanes, an_error_is_its_callers_alone) {
    Server server;
    Database database = with_rows(server);
    std::atomic<int> errors{0}, answers{0};
    in_threads(32, [&](int caller) {
        for (int i = 0; i < 100; ++i) {
            const int n = (caller * 100 + i) % 1000;
            const int wrong = i % 10 == 0 ? n : -1;
            const Statement statement(
                Sql("SELECT text, 1 / (n - $2) FROM " + database.quoted_schema() + ".t WHERE n = $1"), n, wrong);
            try {
                expect_row(
                    database.query(caller % 2 == 0 ? Statement(statement).read() : Statement(statement).read_by_key()),
                    n);
                EXPECT_NE(n, wrong);
                ++answers;
            } catch (const Error& error) {
                EXPECT_EQ(n, wrong) << error.what();
                EXPECT_EQ(error.sqlstate(), "22012");
                ++errors;
            }
        }
    });
    EXPECT_EQ(errors, 320);
    EXPECT_EQ(answers, 2880);
}

TEST(Lanes, group_commit_acknowledges_each_write_and_undoes_only_the_guilty) {
    Server server;
    Database database = with_rows(server);
    const std::string insert = "INSERT INTO " + database.quoted_schema() + ".t (n, text) VALUES ($1, $2)";
    std::atomic<int> refused{0};
    in_threads(32, [&](int caller) {
        for (int i = 0; i < 50; ++i) {
            const bool taken = i % 10 == 0;
            const int n = taken ? i : 1000 + caller * 100 + i;
            try {
                EXPECT_EQ(database.execute(Statement(insert, n, "row").group_commit("t/" + std::to_string(n))), 1u);
                EXPECT_FALSE(taken);
            } catch (const Error& error) {
                EXPECT_TRUE(taken) << error.what();
                EXPECT_EQ(error.code(), ErrorCode::constraint_violation);
                ++refused;
            }
        }
    });
    EXPECT_EQ(refused, 32 * 5);
    EXPECT_EQ(
        database.query("SELECT count(*)::int FROM " + database.quoted_schema() + ".t WHERE n >= 1000")[0].get<int>(0U),
        32 * 45);
}

TEST(Lanes, writes_that_can_be_done_together_are_one_statement_and_only_the_guilty_one_fails) {
    Server server;
    Database database = with_rows(server);
    const std::string table = database.quoted_schema() + ".t";
    database.execute(Sql("CREATE TABLE " + database.quoted_schema() + ".sizes (statements int)"));
    const std::string made =
        "WITH made AS (INSERT INTO " + table + " (n, text) SELECT {} RETURNING n, text) SELECT {} n, text FROM made";
    const auto text = [&](std::string_view values, std::string_view place) {
        return fmt::format(fmt::runtime(made), values, place);
    };
    const Sql one(text("$1, $2", ""));
    const Sql many(text("* FROM unnest($1, $2) u(n, text) ORDER BY n", "(array_position($1, n))::int AS place,"));
    database.execute(Sql("CREATE FUNCTION " + database.quoted_schema() +
                         ".note() RETURNS trigger LANGUAGE plpgsql AS $$"
                         " BEGIN INSERT INTO " +
                         database.quoted_schema() +
                         ".sizes SELECT count(*) FROM news;"
                         " RETURN NULL; END $$"));
    database.execute(Sql("CREATE TRIGGER note AFTER INSERT ON " + table +
                         " REFERENCING NEW TABLE AS news"
                         " FOR EACH STATEMENT EXECUTE FUNCTION " +
                         database.quoted_schema() + ".note()"));
    std::atomic<int> refused{0};
    in_threads(32, [&](int caller) {
        for (int i = 0; i < 50; ++i) {
            const bool taken = i % 25 == 0;
            const int n = taken ? i : 1000 + caller * 100 + i;
            std::optional<std::string> word;  // some are NULL
            if (i % 3 != 0) word = "row " + std::to_string(n);
            Statement write(one, n, word);
            write.group_commit(fmt::format("t/{:06}", n)).merged_as(many);
            try {
                const Rows rows = database.query(write);
                EXPECT_FALSE(taken);
                if (rows.size() != 1) {
                    ADD_FAILURE() << "rows: " << rows.size();
                    continue;
                }
                EXPECT_EQ(rows[0].get<int>("n"), n);
                EXPECT_EQ(rows[0].find<std::string>("text"), word);
            } catch (const Error& error) {
                EXPECT_TRUE(taken) << error.what();
                EXPECT_EQ(error.code(), ErrorCode::constraint_violation);
                ++refused;
            }
        }
    });
    EXPECT_EQ(refused, 32 * 2);
    const Rows sums = database.query(Sql("SELECT count(*)::int AS statements, sum(statements)::int AS rows FROM " +
                                         database.quoted_schema() + ".sizes"));
    EXPECT_EQ(sums[0].get<int>("rows"), 32 * 48);
    EXPECT_LT(sums[0].get<int>("statements"), 32 * 48);
}

TEST(Lanes, writes_that_can_be_done_together_never_wait_for_each_other_in_two_groups) {
    Server server;
    Database database = with_rows(server);
    const std::string table = database.quoted_schema() + ".t";
    // a division by zero for whoever finds another group under way
    const auto by_itself =
        std::make_shared<const Statement>("SELECT 1 / pg_try_advisory_xact_lock(77)::int, pg_sleep(0.002)");
    const Sql one("INSERT INTO " + table + " (n) VALUES ($1) RETURNING n");
    const Sql many("INSERT INTO " + table + " (n) SELECT * FROM unnest($1) RETURNING array_position($1, n)::int, n");
    in_threads(48, [&](int caller) {
        for (int i = 0; i < 10; ++i) {
            const int n = 1000 + caller * 10 + i;
            Statement write(one, n);
            write.group_commit(fmt::format("t/{:06}", n), by_itself).merged_as(many);
            EXPECT_EQ(database.query(write)[0].get<int>("n"), n);
        }
    });
}

/// Writes that were not on the disk when they were acknowledged.
int unflushed(Database& database, const std::shared_ptr<const Statement>& opening) {
    // what comes behind the position that the write reports is its commit
    const std::string update = "UPDATE " + database.quoted_schema() +
                               ".t SET text = text WHERE n = $1 RETURNING pg_current_wal_insert_lsn()::text";
    std::atomic<int> count{0};
    in_threads(16, [&](int caller) {
        Connection beside = database.connect();
        for (int i = 0; i < 20; ++i) {
            const Rows position =
                database.query(Statement(update, caller).group_commit("t/" + std::to_string(caller), opening));
            const Rows passed = beside.query(
                Statement("SELECT pg_current_wal_flush_lsn() > $1::text::pg_lsn", position[0].get<std::string>(0U)));
            if (!passed[0].get<bool>(0U)) ++count;
        }
    });
    return count;
}

TEST(Lanes, a_group_is_on_the_disk_when_it_is_acknowledged) {
    Server server;
    Database database =
        with_rows(server, [](DatabaseOptions& options) { options.max_connections = 16 + 2 * options.lanes; });
    EXPECT_EQ(unflushed(database, nullptr), 0);
    const auto careless = std::make_shared<Statement>("SELECT set_config('synchronous_commit', 'off', true)");
    EXPECT_GT(unflushed(database, careless), 0) << "the test would not have noticed";
}

TEST(Lanes, writes_share_commits_however_long_a_commit_takes) {
    Server server;
    Database database = with_rows(server, [](DatabaseOptions& options) { options.lanes = 1; });
    const std::string schema = database.quoted_schema();
    database.execute("ALTER TABLE " + schema + ".t ADD COLUMN written_by xid8");
    const auto slow = std::make_shared<const Statement>("SELECT pg_sleep(0.005)");
    constexpr int kCallers = 16, kWrites = 40;
    in_threads(kCallers, [&](int caller) {
        for (int i = 0; i < kWrites; ++i) {
            const int n = caller * kWrites + i;
            database.execute(Statement("UPDATE " + schema + ".t SET written_by = pg_current_xact_id() WHERE n = $1", n)
                                 .group_commit("t/" + std::to_string(n), slow));
        }
    });
    const Rows rows = database.query("SELECT count(written_by), count(DISTINCT written_by) FROM " + schema + ".t");
    EXPECT_EQ(rows[0].get<std::int64_t>(0), kCallers * kWrites);
    EXPECT_LT(rows[0].get<std::int64_t>(1), kCallers * kWrites / 3);
}

TEST(Lanes, of_two_writes_of_one_key_in_a_group_one_comes_after_the_other) {
    Server server;
    Database database = with_rows(server);
    const std::string count = "UPDATE " + database.quoted_schema() + ".t SET text = (text::int + 1)::text WHERE n = 0";
    database.execute("UPDATE " + database.quoted_schema() + ".t SET text = '0' WHERE n = 0");
    in_threads(16, [&](int) {
        for (int i = 0; i < 50; ++i) {
            EXPECT_EQ(database.execute(Statement(count).group_commit("t/0")), 1u);
        }
    });
    EXPECT_EQ(database.query(row(database, 0))[0].get<std::string>(0U), "800");
}

TEST(Lanes, a_group_runs_its_opening_once_and_in_its_own_transaction) {
    Server server;
    Database database = with_rows(server);
    const std::string table = database.quoted_schema() + ".t";
    database.execute("UPDATE " + table + " SET text = '0' WHERE n = 0");
    const auto opening =
        std::make_shared<const Statement>(Sql("UPDATE " + table + " SET text = (text::int + 1)::text WHERE n = 0"));
    std::atomic<int> writes{0};
    in_threads(16, [&](int caller) {
        for (int i = 0; i < 50; ++i) {
            const int n = 1000 + caller * 50 + i;
            database.execute(Statement("INSERT INTO " + table + " VALUES ($1, txid_current()::text)", n)
                                 .group_commit("t/" + std::to_string(n), opening));
            ++writes;
        }
    });
    const int openings = std::stoi(database.query(row(database, 0))[0].get<std::string>(0U));
    const int commits =
        database.query("SELECT count(DISTINCT text)::int FROM " + table + " WHERE n >= 1000")[0].get<int>(0U);
    EXPECT_EQ(writes, 800);
    EXPECT_EQ(openings, commits);
    EXPECT_LT(openings, 800) << "nothing was committed together";
}

TEST(Lanes, a_write_that_calls_itself_a_read_is_told_off) {
    Server server;
    Database database = with_rows(server);
    const auto error = error_of([&] {
        database.execute(Statement("INSERT INTO " + database.quoted_schema() + ".t VALUES ($1, '')", 5000).read());
    });
    EXPECT_EQ(error.code, ErrorCode::invalid_argument);
    EXPECT_TRUE(error.in_doubt);
    EXPECT_THAT(error.message, HasSubstr("an INSERT"));
    EXPECT_EQ(database.query(Statement("SHOW lc_messages").read()).size(), 1u);
}

TEST(Lanes, a_caller_that_gives_up_leaves_the_lane_to_others) {
    Server server;
    Database database = with_rows(server);
    std::thread slow([&] {
        const auto error =
            error_of([&] { database.query(Statement("SELECT pg_sleep(2)").read(), Deadline::after(100ms)); });
        EXPECT_EQ(error.code, ErrorCode::deadline_exceeded);
        EXPECT_FALSE(error.in_doubt);
    });
    in_threads(8, [&](int caller) {
        for (int i = 0; i < 10; ++i) expect_row(database.query(row(database, caller).read()), caller);
    });
    slow.join();
    expect_row(database.query(row(database, 1).read()), 1);
}

TEST(Lanes, a_write_whose_caller_gives_up_while_it_runs_is_in_doubt) {
    Server server;
    Database database = with_rows(server);
    const auto error = error_of([&] {
        database.execute(Statement("UPDATE " + database.quoted_schema() + ".t SET text = pg_sleep(1)::text WHERE n = 0")
                             .group_commit("t/0"),
                         Deadline::after(100ms));
    });
    EXPECT_EQ(error.code, ErrorCode::deadline_exceeded);
    EXPECT_TRUE(error.in_doubt);
}

TEST(Lanes, reads_are_sent_again_when_their_connection_dies) {
    Server server;
    Database database =
        with_rows(server, [&](DatabaseOptions& options) { options.dsn += " application_name=" + server.schema(); });
    Database other = server.bare();
    std::atomic<bool> over{false};
    std::atomic<int> killed{0};
    std::thread killer([&] {
        for (int i = 0; i < 20; ++i) {
            const Statement kill(
                "SELECT count(pg_terminate_backend(pid))::int FROM pg_stat_activity WHERE application_name = $1",
                server.schema());
            killed += other.query(kill)[0].get<int>(0U);
            std::this_thread::sleep_for(30ms);
        }
        over = true;
    });
    in_threads(8, [&](int caller) {
        for (int n = caller; !over; n = (n + 1) % 1000) expect_row(database.query(row(database, n).read()), n);
    });
    killer.join();
    EXPECT_GT(killed, 10);
}

TEST(Lanes, a_row_that_is_locked_stalls_its_own_write_only) {
    Server server;
    Database database = with_rows(server, [](DatabaseOptions& options) { options.lock_timeout = 200ms; });
    const std::string update = "UPDATE " + database.quoted_schema() + ".t SET text = 'x' WHERE n = $1";
    Transaction holder = database.begin();
    holder.execute(Statement(update, 7));
    std::atomic<int> locked{0};
    in_threads(8, [&](int caller) {
        try {
            EXPECT_EQ(database.execute(Statement(update, caller).group_commit("t/" + std::to_string(caller))), 1u);
            EXPECT_NE(caller, 7);
        } catch (const Error& error) {
            EXPECT_EQ(caller, 7);
            EXPECT_EQ(error.sqlstate(), "55P03");
            EXPECT_EQ(error.retry(), Retry::call);
            ++locked;
        }
    });
    EXPECT_EQ(locked, 1);
}

TEST(Lanes, one_connection_serves_lanes_and_transactions_in_turn) {
    Server server;
    Database database = with_rows(server, [](DatabaseOptions& options) { options.max_connections = 1; });
    std::atomic<bool> over{false};
    std::vector<std::thread> readers;
    for (int caller = 0; caller < 4; ++caller) {
        readers.emplace_back([&, caller] {
            while (!over) expect_row(database.query(row(database, caller).read()), caller);
        });
    }
    for (int i = 0; i < 20; ++i) {
        Transaction transaction = database.begin();
        expect_row(transaction.query(row(database, i)), i);
        transaction.commit();
    }
    over = true;
    for (std::thread& reader : readers) reader.join();
}

TEST(Lanes, callers_who_find_no_connection_are_told_the_numbers_of_the_pool) {
    Server server;
    Database database = with_rows(server, [](DatabaseOptions& options) { options.max_connections = 1; });
    const Transaction holder = database.begin();
    in_threads(4, [&](int caller) {
        const auto error = error_of([&] { database.query(row(database, caller).read(), Deadline::after(100ms)); });
        EXPECT_EQ(error.code, ErrorCode::pool_exhausted);
        EXPECT_THAT(error.message, HasSubstr("1 of 1"));
    });
}

TEST(Lanes, go_on_when_callers_give_up_just_as_the_lead_comes_to_them) {
    Server server;
    Database database = with_rows(server, [](DatabaseOptions& options) { options.lanes = 1; });
    in_threads(16, [&](int caller) {
        std::minstd_rand random(static_cast<unsigned>(caller) + 1);
        for (int i = 0; i < 1'000; ++i) {
            const auto time = std::chrono::microseconds(random() % 1'500);
            try {
                database.query(row(database, caller).read(), Deadline::after(time));
            } catch (const Error& error) {
                EXPECT_THAT(error.code(),
                            AnyOf(ErrorCode::deadline_exceeded, ErrorCode::pool_exhausted, ErrorCode::unavailable))
                    << error.what();
            }
        }
    });
    expect_row(database.query(row(database, 7).read(), Deadline::after(10s)), 7);
}

TEST(Lanes, callers_beyond_the_limit_wait_for_room_and_are_told_the_numbers_at_their_deadline) {
    Server server;
    Database database = with_rows(server, [](DatabaseOptions& options) { options.lanes = options.max_queued = 1; });
    std::thread slow([&] { database.query(Statement("SELECT pg_sleep(2.5)").read()); });
    std::this_thread::sleep_for(1s);
    std::thread queued([&] { expect_row(database.query(row(database, 1).read()), 1); });
    std::this_thread::sleep_for(700ms);
    const auto error = error_of([&] { database.query(row(database, 2).read(), Deadline::after(100ms)); });
    EXPECT_EQ(error.code, ErrorCode::deadline_exceeded);
    EXPECT_THAT(error.message, HasSubstr("1 statements already wait"));
    expect_row(database.query(row(database, 3).read()), 3);  // there is room again
    slow.join();
    queued.join();
}

}  // namespace
}  // namespace stele
