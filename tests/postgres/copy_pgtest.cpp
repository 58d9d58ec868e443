#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "stele/copy.hpp"
#include "support/proxy.hpp"
#include "support/sanitized.hpp"
#include "support/server.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::error_of;
using test::Server;
using testing::AllOf;
using testing::HasSubstr;

/// The most memory that this process has held.
std::size_t peak_bytes() {
    std::ifstream status("/proc/self/status");
    for (std::string word; status >> word;) {
        std::size_t kib = 0;
        if (word == "VmHWM:" && status >> kib) return kib * 1024;
    }
    throw std::runtime_error("no VmHWM");
}

class Copy : public testing::Test {
protected:
    void create(const std::string& columns) {
        database.execute(Statement(Sql("CREATE TABLE " + quoted + " (" + columns + ")")));
    }
    std::int64_t count(Executor& executor) {
        return executor.query(Statement(Sql("SELECT count(*) FROM " + quoted)))[0].get<std::int64_t>(0);
    }
    std::int64_t count() { return count(database); }
    CopyTable columns(std::vector<std::string> names = {}) const {
        return {"it's a \"table\"", std::move(names), server.schema()};
    }
    Sql all() const { return Sql("SELECT * FROM " + quoted); }

    Server server;
    Database database = server.open();
    Connection connection = database.connect();
    std::string quoted = server.schema() + R"(."it's a ""table""")";
};

TEST_F(Copy, brings_rows_of_every_type_in_and_out_again) {
    create(
        "a boolean, b smallint, c integer, d bigint, e real, f double precision, g text, h bytea, i uuid, j "
        "timestamptz, "
        "k jsonb, l bigint[], m real[], n text[], o varchar(9), p json, q numeric");
    const Uuid uuid = *Uuid::parse("01890a5d-ac96-774b-bcce-b302099a8057");
    const Timestamp time{1'700'000'000'123'456us};
    const Bytes three{std::byte{0}, std::byte{1}, std::byte{0}, std::byte{0}, std::byte{0},
                      std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{3}};
    CopyIn in(connection, columns());
    in.add(true, std::int16_t{-2}, 3, std::int64_t{4} << 40, 0.5F, 0.25, "wört", Bytes{std::byte{0}, std::byte{255}},
           uuid, time, Json::parse(R"({"k": 1})"), std::vector<std::int64_t>{5, 6}, std::vector<float>{0.5F},
           std::vector<std::string>{"", "x"}, "var", R"({"raw":1})", three);
    Parameters nulls;
    for (int i = 0; i < 17; ++i) nulls.add(std::nullopt);
    in.add(nulls);
    EXPECT_EQ(in.finish(), 2u);

    CopyOut out(connection, all());
    EXPECT_EQ(out.columns(), 17u);
    EXPECT_EQ(out.column_name(8), "i");
    const auto row = out.next();
    ASSERT_TRUE(row);
    EXPECT_EQ(row->get<bool>("a"), true);
    EXPECT_EQ(row->get<int>("b"), -2);
    EXPECT_EQ(row->get<std::int64_t>("c"), 3);
    EXPECT_EQ(row->get<std::int64_t>("d"), std::int64_t{4} << 40);
    EXPECT_EQ(row->get<float>("e"), 0.5F);
    EXPECT_EQ(row->get<double>("f"), 0.25);
    EXPECT_EQ(row->get<std::string>("g"), "wört");
    EXPECT_EQ(row->get<Bytes>("h"), (Bytes{std::byte{0}, std::byte{255}}));
    EXPECT_EQ(row->get<Uuid>("i"), uuid);
    EXPECT_EQ(row->get<Timestamp>("j"), time);
    EXPECT_EQ(row->get<Json>("k").text(), R"({"k": 1})");
    EXPECT_EQ(row->get<std::vector<std::int64_t>>("l"), (std::vector<std::int64_t>{5, 6}));
    EXPECT_EQ(row->get<std::vector<float>>("m"), std::vector<float>{0.5F});
    EXPECT_EQ(row->get<std::vector<std::string>>("n"), (std::vector<std::string>{"", "x"}));
    EXPECT_EQ(row->get<std::string>("o"), "var");
    EXPECT_EQ(row->get<std::string>("p"), R"({"raw":1})");
    EXPECT_EQ(row->get<double>("q"), 3.0);
    EXPECT_THAT(row->raw(16), testing::ElementsAreArray(three));
    EXPECT_EQ(error_of([&] { row->get<int>("g"); }).code, ErrorCode::type_mismatch);
    EXPECT_EQ(error_of([&] { row->get<int>("none"); }).code, ErrorCode::not_found);
    EXPECT_EQ(error_of([&] { row->get<int>(17); }).code, ErrorCode::not_found);

    const auto second = out.next();
    ASSERT_TRUE(second);
    for (std::size_t i = 0; i < second->columns(); ++i) EXPECT_FALSE(second->find<std::string>(i)) << i;
    EXPECT_EQ(error_of([&] { second->get<int>("b"); }).code, ErrorCode::not_found);
    EXPECT_FALSE(out.next());
    EXPECT_FALSE(out.next());
    EXPECT_EQ(out.rows(), 2u);
    EXPECT_EQ(count(connection), 2);
}

TEST_F(Copy, takes_many_rows_in_bounded_memory_both_ways) {
    create("id bigint, body bytea");
    constexpr std::int64_t kRows = 30'000;
    const Bytes body(3072, std::byte{7});  // 92 MB in all
    const std::size_t before = peak_bytes();
    std::size_t most = 0;
    CopyIn in(connection, columns());
    for (std::int64_t i = 0; i < kRows; ++i) {
        in.add(i, body);
        most = std::max(most, in.buffered_bytes());
    }
    EXPECT_EQ(in.finish(), static_cast<std::uint64_t>(kRows));
    EXPECT_GT(most, CopyIn::kBufferBytes / 2);
    EXPECT_LE(most, CopyIn::kBufferBytes);

    CopyOut out(connection, Sql("SELECT * FROM " + quoted + " ORDER BY id"));
    std::int64_t next = 0;
    while (const auto row = out.next()) {
        ASSERT_EQ(row->get<std::int64_t>(0), next++);
        ASSERT_EQ(row->raw(1).size(), body.size());
    }
    EXPECT_EQ(next, kRows);
    if (!test::kSanitized) {  // a sanitizer keeps what was freed
        EXPECT_LT(peak_bytes() - before, std::size_t{4} << 20);
    }
}

TEST_F(Copy, takes_a_row_that_is_larger_than_all_buffers) {
    create("a bytea, b text");
    const Bytes large(20'000'000, std::byte{9});
    CopyIn in(connection, columns());
    in.add(large, "after");
    in.add(std::nullopt, "small");
    EXPECT_LE(in.buffered_bytes(), CopyIn::kBufferBytes);
    EXPECT_EQ(in.finish(), 2u);
    CopyOut out(connection, columns());
    EXPECT_EQ(out.next()->get<Bytes>("a"), large);
    EXPECT_EQ(out.next()->get<std::string>("b"), "small");
    EXPECT_FALSE(out.next());
}

TEST_F(Copy, in_a_transaction_is_kept_by_its_commit_and_undone_by_its_rollback) {
    create("n integer");
    for (const bool commit : {true, false}) {
        Transaction transaction = database.begin();
        CopyIn in(transaction, columns({"n"}));
        for (int i = 0; i < 10; ++i) in.add(i);
        EXPECT_EQ(in.finish(), 10u);
        EXPECT_EQ(count(transaction), commit ? 10 : 20);
        EXPECT_EQ(count(), commit ? 0 : 10);
        EXPECT_EQ(transaction.query("SHOW statement_timeout")[0].get<std::string>(0), "1min");
        commit ? transaction.commit() : transaction.rollback();
    }
    EXPECT_EQ(count(), 10);
}

TEST_F(Copy, in_a_transaction_nothing_else_runs_meanwhile_and_the_transaction_takes_no_harm) {
    create("n integer");
    Transaction transaction = database.begin();
    {
        CopyIn in(transaction, columns());
        in.add(1);
        for (const auto& attempt :
             std::vector<std::function<void()>>{[&] { transaction.execute("SELECT 1"); }, [&] { transaction.commit(); },
                                                [&] { transaction.rollback(); }, [&] { transaction.savepoint(); },
                                                [&] { CopyIn second(transaction, columns()); }}) {
            const ErrorInfo error = error_of(attempt);
            EXPECT_EQ(error.code, ErrorCode::invalid_argument);
            EXPECT_THAT(error.message, HasSubstr("copy is under way"));
        }
        in.finish();
    }
    transaction.commit();
    EXPECT_EQ(count(), 1);
}

TEST_F(Copy, on_a_connection_nothing_else_runs_meanwhile) {
    create("n integer");
    CopyIn in(connection, columns());
    EXPECT_EQ(error_of([&] { connection.execute("SELECT 1"); }).code, ErrorCode::invalid_argument);
    EXPECT_EQ(error_of([&] { CopyOut out(connection, all()); }).code, ErrorCode::invalid_argument);
    in.add(1);
    in.finish();
    EXPECT_EQ(count(), 1);
}

TEST_F(Copy, in_a_savepoint_can_be_undone_alone) {
    create("n integer UNIQUE");
    Transaction transaction = database.begin();
    transaction.execute(Statement(Sql("INSERT INTO " + quoted + " VALUES (1)")));
    Savepoint savepoint = transaction.savepoint();
    EXPECT_EQ(error_of([&] { CopyIn in(transaction, columns()); }).code, ErrorCode::invalid_argument);
    CopyIn in(savepoint, columns());
    in.add(1);
    EXPECT_EQ(error_of([&] { in.finish(); }).code, ErrorCode::constraint_violation);
    savepoint.rollback();
    EXPECT_EQ(error_of([&] { CopyIn late(savepoint, columns()); }).code, ErrorCode::closed);
    transaction.commit();
    EXPECT_EQ(count(), 1);
}

TEST_F(Copy, inside_a_transaction_that_the_caller_began_on_the_connection_leaves_it_open) {
    create("n integer");
    connection.execute("BEGIN");
    CopyIn in(connection, columns());
    in.add(1);
    in.finish();
    EXPECT_EQ(count(connection), 1);
    connection.execute("ROLLBACK");
    EXPECT_EQ(count(), 0);
}

TEST_F(Copy, that_is_not_finished_leaves_nothing_and_a_usable_connection) {
    create("n integer");
    {
        CopyIn in(connection, columns());
        for (int i = 0; i < 100'000; ++i) in.add(i);
    }
    EXPECT_EQ(count(connection), 0);
    Transaction transaction = database.begin();
    {
        CopyIn in(transaction, columns());
        in.add(1);
    }
    EXPECT_EQ(error_of([&] { transaction.execute("SELECT 1"); }).code, ErrorCode::invalid_argument);
    transaction.rollback();
    EXPECT_EQ(count(), 0);
}

TEST_F(Copy, that_breaks_a_constraint_tells_the_line_and_stores_nothing) {
    create("n integer CHECK (n <> 1234)");
    for (int round = 0; round < 2; ++round) {
        CopyIn in(connection, columns());
        const ErrorInfo error = error_of([&] {
            for (int i = 1; i <= 2000; ++i) in.add(i);
            in.finish();
        });
        EXPECT_EQ(error.code, ErrorCode::constraint_violation);
        EXPECT_EQ(error.sqlstate, "23514");
        EXPECT_THAT(error.server_message, HasSubstr("line 1234"));
        EXPECT_FALSE(error.in_doubt);
        EXPECT_FALSE(error.poisons_connection);
        EXPECT_EQ(error_of([&] { in.add(1); }).code, ErrorCode::closed);
        EXPECT_EQ(error_of([&] { in.finish(); }).code, ErrorCode::closed);
        EXPECT_EQ(count(connection), 0);
    }
}

TEST_F(Copy, that_the_server_refused_is_noticed_long_before_its_end) {
    create("n integer CHECK (n <> 1), body bytea");
    const Bytes body(3072);
    CopyIn in(connection, columns());
    int given = 0;
    const ErrorInfo error = error_of([&] {
        for (; given < 300'000; ++given) in.add(given, body);  // 0.9 GB
    });
    EXPECT_EQ(error.sqlstate, "23514");
    EXPECT_LT(given, 30'000);
    EXPECT_EQ(count(connection), 0);
}

TEST_F(Copy, a_deferred_constraint_that_fails_at_the_commit_is_its_error) {
    create("n integer UNIQUE DEFERRABLE INITIALLY DEFERRED");
    CopyIn in(connection, columns());
    in.add(1);
    in.add(1);
    EXPECT_EQ(error_of([&] { in.finish(); }).code, ErrorCode::constraint_violation);
    EXPECT_EQ(count(connection), 0);
}

TEST_F(Copy, refuses_a_bad_row_here_and_goes_on) {
    create("n bigint, body text, at timestamptz");
    CopyIn in(connection, columns({"body", "n"}));
    const ErrorInfo wrong = error_of([&] { in.add("x", 1.5); });
    EXPECT_EQ(wrong.code, ErrorCode::type_mismatch);
    EXPECT_THAT(wrong.message,
                AllOf(HasSubstr("value 2"), HasSubstr("double precision"), HasSubstr("\"n\""), HasSubstr("bigint")));
    EXPECT_EQ(error_of([&] { in.add("x"); }).code, ErrorCode::invalid_argument);
    EXPECT_EQ(error_of([&] { in.add("\xff", std::int64_t{1}); }).code, ErrorCode::invalid_argument);
    in.add("good", std::int64_t{1});
    EXPECT_EQ(in.finish(), 1u);
    EXPECT_EQ(count(), 1);
}

TEST_F(Copy, takes_a_statement_of_ones_own_and_says_what_is_wrong_with_it) {
    create("n integer, body text");
    {
        CopyIn in(connection, Sql("COPY " + quoted + " (n) FROM STDIN (FORMAT binary);"));
        in.add(1);
        EXPECT_EQ(in.finish(), 1u);
    }
    const auto error = [&](const std::string& text) { return error_of([&] { CopyIn in(connection, Sql(text)); }); };
    const std::pair<std::string, const char*> bad[] = {
        {"COPY " + quoted + " FROM STDIN", "(FORMAT binary)"},
        {"COPY " + quoted + " TO STDOUT (FORMAT binary)", "FROM STDIN"},
        {"SELECT 1", "not a COPY"},
        {"COPY " + quoted + " FROM STDIN (FORMAT binary); DROP TABLE " + quoted, "2"},
        {"", "0"},
    };
    for (const auto& [text, what] : bad) {
        EXPECT_EQ(error(text).code, ErrorCode::invalid_argument) << text;
        EXPECT_THAT(error(text).message, HasSubstr(what)) << text;
    }
    EXPECT_EQ(error("COPY nowhere FROM STDIN (FORMAT binary)").sqlstate, "42P01");
    EXPECT_EQ(error("COPY COPY").sqlstate, "42601");
    // of a type that is not checked here: the server notices by its length
    CopyIn in(connection, Sql("COPY " + quoted + " (n) FROM STDIN (FORMAT binary)"));
    in.add(std::int64_t{1});
    const ErrorInfo wrong = error_of([&] { in.finish(); });
    EXPECT_EQ(wrong.sqlstate, "22P03");
    EXPECT_THAT(wrong.server_message, AllOf(HasSubstr("line 1"), HasSubstr("column n")));
    EXPECT_EQ(count(connection), 1);
}

TEST_F(Copy, names_what_is_missing_and_leaves_the_connection_usable) {
    create("n integer");
    EXPECT_EQ(error_of([&] { CopyIn in(connection, CopyTable{"nowhere"}); }).sqlstate, "42P01");
    EXPECT_EQ(error_of([&] { CopyIn in(connection, columns({"m"})); }).sqlstate, "42703");
    EXPECT_EQ(error_of([&] { CopyOut out(connection, "SELECT * FROM nowhere"); }).sqlstate, "42P01");
    EXPECT_EQ(error_of([&] { CopyOut out(connection, "SELECT 1) TO STDOUT; DROP TABLE x; SELECT (1"); }).code,
              ErrorCode::invalid_argument);
    EXPECT_EQ(error_of([&] { CopyOut out(connection, CopyTable{""}); }).code, ErrorCode::invalid_argument);
    EXPECT_EQ(count(connection), 0);
}

TEST_F(Copy, out_gives_the_servers_error_in_the_middle_after_the_rows_before_it) {
    CopyOut out(connection, "SELECT 1 / (5000 - n) FROM generate_series(1, 10000) AS n -- no end");
    int rows = 0;
    const ErrorInfo error = error_of([&] {
        while (out.next()) ++rows;
    });
    EXPECT_EQ(error.sqlstate, "22012");
    EXPECT_EQ(rows, 4999);
    EXPECT_FALSE(out.next());
    EXPECT_EQ(connection.query("SELECT 1")[0].get<int>(0), 1);
}

TEST_F(Copy, out_that_is_stopped_early_leaves_the_connection_usable_and_a_transaction_to_roll_back) {
    const auto pid = [](Executor& executor) { return executor.query("SELECT pg_backend_pid()")[0].get<int>(0); };
    const Sql endless("SELECT generate_series(1, 2000000000), repeat('x', 1000)");
    const int before = pid(connection);
    for (const int rows : {0, 1, 1000}) {
        CopyOut out(connection, endless);
        for (int i = 0; i < rows; ++i) ASSERT_TRUE(out.next());
        EXPECT_EQ(out.rows(), static_cast<std::uint64_t>(rows));
        const auto start = Deadline::Clock::now();
        {
            const CopyOut stopped = std::move(out);
        }
        EXPECT_LT(Deadline::Clock::now() - start, 4s);
        EXPECT_EQ(pid(connection), before) << "the same session goes on";
    }
    Transaction transaction = database.begin();
    Savepoint savepoint = transaction.savepoint();
    {
        const CopyOut out(savepoint, endless);
    }
    EXPECT_THROW(savepoint.execute("SELECT 1"), Error);
    savepoint.rollback();
    EXPECT_NO_THROW(transaction.execute("SELECT 1"));
}

TEST_F(Copy, is_limited_by_its_deadline_and_not_by_the_servers_limit) {
    create("n integer");
    DatabaseOptions options = server.options();
    options.statement_timeout = 200ms;
    Database hasty = Database::open(options);
    Connection other = hasty.connect();
    CopyIn in(other, columns());
    in.add(1);
    std::this_thread::sleep_for(400ms);
    in.add(2);
    EXPECT_EQ(in.finish(), 2u);
    EXPECT_EQ(other.query("SHOW statement_timeout")[0].get<std::string>(0), "200ms");

    const int pid = connection.query("SELECT pg_backend_pid()")[0].get<int>(0);
    const auto start = Deadline::Clock::now();
    const ErrorInfo error = error_of([&] {
        CopyOut out(connection, "SELECT pg_sleep(n) FROM generate_series(0, 60) AS n", Deadline::after(300ms));
        while (out.next()) {
        }
    });
    EXPECT_EQ(error.code, ErrorCode::deadline_exceeded);
    EXPECT_TRUE(error.poisons_connection);
    EXPECT_LT(Deadline::Clock::now() - start, 5s);
    EXPECT_EQ(error_of([&] { connection.execute("SELECT 1"); }).code, ErrorCode::closed);
    EXPECT_EQ(error_of([&] { CopyOut again(connection, "SELECT 1"); }).code, ErrorCode::closed);
    const Statement still_there("SELECT FROM pg_stat_activity WHERE pid = $1", pid);
    for (const auto end = Deadline::after(20s); !end.expired() && !database.query(still_there).empty();) {
        std::this_thread::sleep_for(50ms);
    }
    EXPECT_TRUE(database.query(still_there).empty()) << "the server works on for nobody";
    Connection next = database.connect();
    EXPECT_EQ(error_of([&] { CopyIn late(next, columns(), Deadline::after(-1s)); }).code, ErrorCode::deadline_exceeded);
}

TEST_F(Copy, in_ends_at_its_deadline_when_the_server_takes_no_more) {
    create("n integer, body bytea");
    Transaction holder = database.begin();
    holder.execute(Statement(Sql("INSERT INTO " + quoted + " VALUES (1)")));
    holder.execute(Statement(Sql("CREATE UNIQUE INDEX ON " + quoted + " (n)")));
    // waits for the lock that the index holds, and reads nothing meanwhile
    const ErrorInfo error = error_of([&] {
        CopyIn in(connection, Sql("COPY " + quoted + " FROM STDIN (FORMAT binary)"), Deadline::after(300ms));
        const Bytes body(100'000);
        for (int i = 0; i < 1000; ++i) in.add(i, body);
    });
    EXPECT_EQ(error.code, ErrorCode::deadline_exceeded);
}

TEST_F(Copy, in_a_transaction_tells_a_lost_connection_as_the_transaction_does) {
    create("n integer, body bytea");
    Transaction transaction = database.begin();
    const auto pid = transaction.query("SELECT pg_backend_pid()")[0].get<int>(0);
    CopyIn in(transaction, columns());
    database.execute({"SELECT pg_terminate_backend($1, 5000)", pid});
    const ErrorInfo error = error_of([&] {
        const Bytes body(1000);
        for (int i = 0; i < 10'000; ++i) in.add(i, body);
        in.finish();
    });
    EXPECT_EQ(error.code, ErrorCode::unavailable);
    EXPECT_EQ(error.retry, Retry::transaction);
    EXPECT_FALSE(error.in_doubt);
    EXPECT_EQ(count(), 0);
}

TEST(CopyOverABadWire, of_a_transaction_whose_commit_was_lost_is_looked_up) {
    Server server;
    test::Proxy proxy{test::server_dsn()};
    DatabaseOptions options = server.options();
    options.dsn = proxy.dsn();
    Database database = Database::open(options);
    // the copy is all that the transaction wrote
    Transaction transaction = database.begin();
    CopyIn in(transaction, CopyTable{"schema_meta", {"key", "value"}, server.schema()});
    in.add("kept", "1");
    in.finish();
    proxy.refuse(true);
    proxy.drop_reply(1);
    EXPECT_EQ(error_of([&] { transaction.commit(Deadline::after(300ms)); }).code, ErrorCode::in_doubt);
}

TEST(CopyOverABadWire, is_all_or_nothing_and_says_so_whichever_reply_is_lost) {
    Server server;
    test::Proxy proxy{test::server_dsn()};
    DatabaseOptions options = server.options();
    options.dsn = proxy.dsn();
    Database database = Database::open(options);
    const std::string table = server.schema() + ".schema_meta";
    const auto count = [&] {
        return database.query(Statement(Sql("SELECT FROM " + table + " WHERE key LIKE 'row%'")).repeatable()).size();
    };
    // begun, opened, taken, committed; and once not cut at all
    for (int cut = 1; cut <= 5; ++cut) {
        database.execute(Statement(Sql("DELETE FROM " + table + " WHERE key LIKE 'row%'")));
        Connection connection = database.connect();
        proxy.drop_reply(cut);
        bool done = false;
        std::optional<ErrorInfo> error;
        try {
            CopyIn in(connection, CopyTable{"schema_meta", {"key", "value"}, server.schema()});
            in.add("row1", "");
            in.add("row2", "");
            done = in.finish() == 2;
        } catch (const Error& thrown) {
            error = thrown.info();
        }
        EXPECT_EQ(proxy.dropped(), cut <= 4) << cut;
        proxy.disarm();
        EXPECT_EQ(done, cut == 5) << cut;
        EXPECT_EQ(count(), cut >= 4 ? 2u : 0u) << cut;
        if (error) {
            EXPECT_EQ(error->code, ErrorCode::unavailable) << cut;
            EXPECT_EQ(error->in_doubt, cut == 4) << cut << ": " << error->message;
        }
    }
}

TEST(CopyOverABadWire, out_never_ends_as_if_it_were_whole_when_a_piece_is_lost) {
    Server server;
    test::Proxy proxy{test::server_dsn()};
    DatabaseOptions options = server.options();
    options.dsn = proxy.dsn();
    options.bare = true;
    Database database = Database::open(options);
    for (int cut = 1; cut <= 12; ++cut) {
        Connection connection = database.connect();
        proxy.drop_reply(cut);
        const ErrorInfo error = error_of([&] {
            CopyOut out(connection, "SELECT repeat('x', 1000) FROM generate_series(1, 2000)");
            while (out.next()) {
            }
        });
        EXPECT_TRUE(proxy.dropped()) << cut;
        EXPECT_EQ(error.code, ErrorCode::unavailable) << cut;
    }
}

TEST(CopyByARole, that_may_only_insert_can_copy_in) {
    Server server;
    Database database = server.open();
    const std::string role = server.schema() + "_writer";
    database.execute(Statement(Sql("CREATE TABLE " + server.schema() +
                                   ".log (at timestamptz, line text, size integer "
                                   "GENERATED ALWAYS AS (length(line)) STORED)")));
    database.execute(Statement(Sql("CREATE ROLE " + role)));
    database.execute(Statement(Sql("GRANT USAGE ON SCHEMA " + server.schema() + " TO " + role)));
    database.execute(Statement(Sql("GRANT INSERT ON " + server.schema() + ".log TO " + role)));
    {
        Connection connection = database.connect();
        connection.execute(Statement(Sql("SET ROLE " + role)));
        CopyIn in(connection, CopyTable{"log", {}, server.schema()});
        in.add(Timestamp{}, "line");
        EXPECT_EQ(in.finish(), 1u);
        EXPECT_EQ(error_of([&] { CopyOut out(connection, CopyTable{"log", {}, server.schema()}); }).code,
                  ErrorCode::permission);
    }
    Connection owner = database.connect();
    CopyOut out(owner, CopyTable{"log", {"size"}, server.schema()});
    EXPECT_EQ(out.next()->get<int>("size"), 4);
    EXPECT_FALSE(out.next());
    database.execute(Statement(Sql("DROP OWNED BY " + role)));
    database.execute(Statement(Sql("DROP ROLE " + role)));
}

}  // namespace
}  // namespace stele
