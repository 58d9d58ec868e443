// Copies that the server or the library refuses, or that are stopped early, and what they leave behind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <utility>

#include "postgres/copy_fixture.hpp"
#include "support/session.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::backend_pid;
using test::Copy;
using test::error_of;
using testing::AllOf;
using testing::HasSubstr;

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
    const Sql endless("SELECT generate_series(1, 2000000000), repeat('x', 1000)");
    const int before = backend_pid(connection);
    for (const int rows : {0, 1, 1000}) {
        CopyOut out(connection, endless);
        for (int i = 0; i < rows; ++i) ASSERT_TRUE(out.next());
        EXPECT_EQ(out.rows(), static_cast<std::uint64_t>(rows));
        const auto start = Deadline::Clock::now();
        {
            const CopyOut stopped = std::move(out);
        }
        EXPECT_LT(Deadline::Clock::now() - start, 4s);
        EXPECT_EQ(backend_pid(connection), before) << "the same session goes on";
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

}  // namespace
}  // namespace stele
