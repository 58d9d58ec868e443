// Copies beside what else runs on their connection: transactions, savepoints, other statements.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "postgres/copy_fixture.hpp"

namespace stele {
namespace {

using test::Copy;
using test::error_of;
using testing::HasSubstr;

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

}  // namespace
}  // namespace stele
