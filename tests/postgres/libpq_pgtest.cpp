// A database on a connection that its user has made, and gets back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "postgres/database_impl.hpp"
#include "stele/copy.hpp"
#include "stele/libpq.hpp"
#include "support/own_connection.hpp"
#include "support/server.hpp"
#include "support/session.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::error_of;
using ::testing::HasSubstr;

class OwnConnections : public ::testing::Test {
protected:
    DatabaseOptions options() const {
        DatabaseOptions options;
        options.schema = server.schema();
        return options;
    }
    /// Without Stele's tables.
    Database bare() {
        DatabaseOptions bare = options();
        bare.bare = true;
        return open_on(own.get(), bare);
    }
    void expect_usable() {
        EXPECT_EQ(PQpipelineStatus(own.get()), PQ_PIPELINE_OFF);
        EXPECT_EQ(PQtransactionStatus(own.get()), PQTRANS_IDLE);
        EXPECT_EQ(own.ask("SELECT 42"), "42");
    }

    test::Server server;
    test::OwnConnection own;
};

TEST_F(OwnConnections, everything_runs_on_it_and_nowhere_else) {
    Database database = open_on(own.get(), options());
    EXPECT_EQ(test::backend_pid(database), own.pid());
    EXPECT_EQ(database.pool().maximum, 1U);
    EXPECT_THAT(database.describe(), HasSubstr("stele_test"));
    const std::string table = server.schema() + ".numbers";
    database.execute(Statement(Sql("CREATE TABLE " + table + " (n bigint)")));
    {
        Transaction transaction = database.begin();
        EXPECT_EQ(test::backend_pid(transaction), own.pid());
        CopyIn in(transaction, CopyTable{.name = "numbers", .schema = server.schema()});
        for (std::int64_t n = 0; n < 100; ++n) in.add(n);
        EXPECT_EQ(in.finish(), 100U);
        transaction.commit();
    }
    const Statement read = Statement(Sql("SELECT count(*) FROM " + table)).read();
    for (int i = 0; i < 3; ++i) EXPECT_EQ(database.query(read)[0].get<std::int64_t>(0), 100);
}

TEST_F(OwnConnections, it_comes_back_as_it_was) {
    own.ask("CREATE TEMPORARY TABLE mine (n int)");
    own.ask("PREPARE mine AS SELECT 7");
    own.ask("SELECT pg_advisory_lock(7)");
    own.ask("SET work_mem = '7MB'");
    own.ask("LISTEN mine");
    for (const int nonblocking : {0, 1}) {
        PQsetnonblocking(own.get(), nonblocking);
        {
            Database database = open_on(own.get(), options());
            database.query(Statement("SELECT $1::int", 1));
            Transaction open = database.begin();
            open.query("SELECT 1");
        }
        EXPECT_EQ(PQisnonblocking(own.get()), nonblocking);
        expect_usable();
        EXPECT_EQ(own.ask("SELECT string_agg(name, ' ') FROM pg_prepared_statements"), "mine");
        EXPECT_EQ(own.ask("EXECUTE mine"), "7");
        EXPECT_EQ(own.ask("SELECT count(*) FROM mine"), "0");
        EXPECT_EQ(own.ask("SHOW work_mem"), "7MB");
        EXPECT_EQ(own.ask("SHOW statement_timeout"), "0");
        EXPECT_EQ(own.ask("SELECT string_agg(c, ' ') FROM pg_listening_channels() AS c"), "mine");
        EXPECT_EQ(own.ask("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"), "1");
    }
}

TEST_F(OwnConnections, one_of_which_nobody_knows_what_it_is_doing_is_refused_and_left_alone) {
    EXPECT_EQ(error_of([] { open_on(nullptr); }).code, ErrorCode::invalid_argument);
    own.ask("BEGIN");
    EXPECT_THAT(error_of([&] { bare(); }).message, HasSubstr("a transaction"));
    EXPECT_EQ(PQtransactionStatus(own.get()), PQTRANS_INTRANS);
    own.ask("ROLLBACK");
    PQenterPipelineMode(own.get());
    EXPECT_THAT(error_of([&] { bare(); }).message, HasSubstr("pipeline mode"));
    PQexitPipelineMode(own.get());
    PQsetClientEncoding(own.get(), "LATIN1");
    const ErrorInfo wrong = error_of([&] { bare(); });
    EXPECT_EQ(wrong.code, ErrorCode::invalid_argument);
    EXPECT_THAT(wrong.message, HasSubstr("UTF8"));
    PQsetClientEncoding(own.get(), "UTF8");
    DatabaseOptions initialised = options();
    initialised.initialize = [](Executor&) {};
    EXPECT_EQ(error_of([&] { open_on(own.get(), initialised); }).code, ErrorCode::invalid_argument);
    expect_usable();
}

TEST_F(OwnConnections, its_session_is_not_lent_on_and_no_second_one_is_made) {
    Database database = bare();
    EXPECT_EQ(error_of([&] { database.connect(); }).code, ErrorCode::invalid_argument);
    EXPECT_EQ(error_of([&] { database.impl().beside(Deadline::after(10s)); }).code, ErrorCode::invalid_argument)
        << "nor where a statement cannot run in a transaction";
    EXPECT_EQ(test::backend_pid(database), own.pid());
}

TEST_F(OwnConnections, a_statement_in_a_transaction_has_the_timeout_of_the_options) {
    DatabaseOptions quick = options();
    quick.bare = true;
    quick.statement_timeout = 50ms;
    {
        Database database = open_on(own.get(), quick);
        Transaction transaction = database.begin();
        EXPECT_EQ(error_of([&] { transaction.query("SELECT pg_sleep(60)"); }).sqlstate, "57014");
    }
    expect_usable();
}

TEST_F(OwnConnections, once_it_is_lost_calls_fail_at_once_and_it_comes_back_as_one_that_is_lost) {
    {
        Database database = bare();
        Database another = server.bare();
        test::end_session(another, own.pid(), 10s);
        EXPECT_EQ(error_of([&] { database.query("SELECT 1"); }).code, ErrorCode::unavailable);
        const auto before = std::chrono::steady_clock::now();
        const ErrorInfo lost = error_of([&] { database.query("SELECT 1"); });
        EXPECT_LT(std::chrono::steady_clock::now() - before, database.options().outage_patience);
        EXPECT_EQ(lost.code, ErrorCode::unavailable);
        EXPECT_EQ(lost.retry, Retry::no);
        EXPECT_THAT(lost.message, HasSubstr("open one on a new connection"));
    }
    EXPECT_EQ(PQstatus(own.get()), CONNECTION_BAD);
    PQreset(own.get());
    expect_usable();
}

TEST_F(OwnConnections, a_deadline_that_passes_while_the_server_works_loses_it) {
    const int pid = own.pid();
    {
        Database database = bare();
        EXPECT_EQ(error_of([&] { database.query("SELECT pg_sleep(60)", Deadline::after(50ms)); }).code,
                  ErrorCode::deadline_exceeded);
        EXPECT_EQ(error_of([&] { database.query("SELECT 1"); }).code, ErrorCode::unavailable);
    }
    EXPECT_EQ(PQstatus(own.get()), CONNECTION_BAD) << "its answer would be taken for another's";
    Database another = server.bare();
    test::end_session(another, pid, 10s);  // it holds a snapshot
}

}  // namespace
}  // namespace stele
