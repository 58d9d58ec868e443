#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "stele/database.hpp"
#include "support/proxy.hpp"
#include "support/server.hpp"
#include "support/session.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::backend_pid;
using test::end_session;
using test::error_of;
using test::Server;

class TransactionTest : public testing::Test {
protected:
    Statement insert(int n) const { return Statement(Sql("INSERT INTO " + table + " VALUES ($1)"), n); }
    std::vector<std::int64_t> numbers() {
        return database.query(Statement(Sql("SELECT coalesce(array_agg(n ORDER BY n), '{}') FROM " + table)))[0]
            .get<std::vector<std::int64_t>>(0);
    }

    Server server;
    Database database = server.open();
    std::string table = [this] {
        std::string name = server.schema() + ".numbers";
        database.execute(Statement(Sql("CREATE TABLE " + name + " (n bigint)")));
        return name;
    }();
};

using Numbers = std::vector<std::int64_t>;

TEST_F(TransactionTest, draive_010_commits_what_is_committed_and_rolls_back_what_is_not) {
    Transaction kept = database.begin();
    kept.execute(insert(1));
    kept.commit();
    EXPECT_FALSE(kept.active());
    {
        Transaction dropped = database.begin();
        dropped.execute(insert(2));
    }
    Transaction undone = database.begin();
    undone.execute(insert(3));
    undone.rollback();
    EXPECT_EQ(numbers(), Numbers{1});
}

TEST_F(TransactionTest, draive_010_savepoints_nest_and_undo_only_what_is_inside) {
    Transaction transaction = database.begin();
    transaction.execute(insert(1));
    {
        Savepoint outer = transaction.savepoint();
        outer.execute(insert(2));
        {
            Savepoint inner = outer.savepoint();
            inner.execute(insert(3));
        }
        Savepoint again = outer.savepoint();
        again.execute(insert(4));
        again.release();
        outer.release();
    }
    transaction.commit();
    EXPECT_EQ(numbers(), (Numbers{1, 2, 4}));
}

TEST_F(TransactionTest, only_the_innermost_may_act) {
    Transaction transaction = database.begin();
    Savepoint outer = transaction.savepoint();
    Savepoint inner = outer.savepoint();
    EXPECT_EQ(error_of([&] { transaction.execute("SELECT 1"); }).code, ErrorCode::invalid_argument);
    EXPECT_EQ(error_of([&] { outer.execute("SELECT 1"); }).code, ErrorCode::invalid_argument);
    EXPECT_EQ(error_of([&] { transaction.commit(); }).code, ErrorCode::invalid_argument);
    EXPECT_EQ(error_of([&] { outer.release(); }).code, ErrorCode::invalid_argument);
    inner.release();
    EXPECT_EQ(error_of([&] { inner.execute("SELECT 1"); }).code, ErrorCode::closed);
    outer.release();
    EXPECT_NO_THROW(transaction.execute("SELECT 1"));
}

TEST_F(TransactionTest, after_an_error_only_a_rollback_is_possible) {
    Transaction transaction = database.begin();
    transaction.execute(insert(1));
    EXPECT_THROW(transaction.execute("SELECT 1 / 0"), Error);
    EXPECT_EQ(error_of([&] { transaction.execute("SELECT 1"); }).code, ErrorCode::invalid_argument);
    EXPECT_EQ(error_of([&] { transaction.commit(); }).code, ErrorCode::invalid_argument);
    transaction.rollback();
    EXPECT_EQ(numbers(), Numbers{});
}

TEST_F(TransactionTest, an_error_inside_a_savepoint_leaves_the_transaction_usable) {
    Transaction transaction = database.begin();
    {
        Savepoint savepoint = transaction.savepoint();
        savepoint.execute(insert(1));
        EXPECT_THROW(savepoint.execute("SELECT 1 / 0"), Error);
        savepoint.rollback();
    }
    transaction.execute(insert(2));
    transaction.commit();
    EXPECT_EQ(numbers(), Numbers{2});
}

TEST_F(TransactionTest, an_empty_transaction_never_talks_to_the_server) {
    const test::Proxy proxy{test::server_dsn()};
    Database distant = server.bare(proxy.dsn());
    const int before = proxy.requests();
    Transaction transaction = distant.begin();
    Savepoint savepoint = transaction.savepoint();
    savepoint.release();
    transaction.commit();
    EXPECT_EQ(proxy.requests(), before);
    EXPECT_EQ(error_of([&] { transaction.commit(); }).code, ErrorCode::closed);
}

TEST_F(TransactionTest, a_deadline_that_passes_inside_is_said_to_have_undone_all) {
    Transaction transaction = database.begin();
    transaction.execute(insert(1));
    const ErrorInfo error = error_of([&] { transaction.query("SELECT pg_sleep(1)", Deadline::after(50ms)); });
    EXPECT_EQ(error.code, ErrorCode::deadline_exceeded);
    EXPECT_FALSE(error.in_doubt);
    EXPECT_THAT(error.message, testing::HasSubstr("rolled back"));
    EXPECT_EQ(numbers(), Numbers{});
}

TEST_F(TransactionTest, has_the_isolation_level_and_the_access_mode_it_was_asked_for) {
    Transaction serializable =
        database.begin({.isolation = Isolation::serializable, .read_only = true, .deferrable = true});
    EXPECT_EQ(serializable.query("SHOW transaction_isolation")[0].get<std::string>(0), "serializable");
    EXPECT_EQ(error_of([&] { serializable.execute(insert(1)); }).sqlstate, "25006");
    Transaction plain = database.begin();
    EXPECT_EQ(plain.query("SHOW transaction_isolation")[0].get<std::string>(0), "read committed");
}

TEST_F(TransactionTest, runs_again_after_a_serialization_failure) {
    database.execute(insert(0));
    int runs = 0;
    database.transaction(
        [&](Transaction& transaction) {
            ++runs;
            const auto sum =
                transaction.query(Statement(Sql("SELECT sum(n)::bigint FROM " + table)))[0].get<std::int64_t>(0);
            if (runs == 1) database.execute(Statement(Sql("UPDATE " + table + " SET n = n + 10")));
            transaction.execute(Statement(Sql("UPDATE " + table + " SET n = $1"), sum + 1));
        },
        {.isolation = Isolation::repeatable_read});
    EXPECT_EQ(runs, 2);
    EXPECT_EQ(numbers(), Numbers{11});
}

TEST_F(TransactionTest, a_connection_lost_inside_means_run_it_again_and_nothing_is_in_doubt) {
    Transaction transaction = database.begin();
    transaction.execute(insert(1));
    end_session(database, backend_pid(transaction));
    const ErrorInfo error = error_of([&] { transaction.execute(insert(2)); });
    EXPECT_EQ(error.retry, Retry::transaction);
    EXPECT_TRUE(error.poisons_connection);
    EXPECT_FALSE(error.in_doubt);
    transaction.rollback();
    EXPECT_EQ(numbers(), Numbers{});
}

TEST_F(TransactionTest, a_connection_lost_before_the_commit_was_sent_is_found_out_by_asking_the_server) {
    Transaction transaction = database.begin();
    transaction.execute(insert(1));
    end_session(database, backend_pid(transaction));
    std::this_thread::sleep_for(100ms);
    const ErrorInfo error = error_of([&] { transaction.commit(); });
    EXPECT_EQ(error.code, ErrorCode::unavailable);
    EXPECT_EQ(error.retry, Retry::transaction);
    EXPECT_THAT(error.message, testing::HasSubstr("rolled back"));
    EXPECT_FALSE(error.in_doubt);
    EXPECT_EQ(numbers(), Numbers{});
}

class TransactionOverABadWire : public testing::Test {
protected:
    Server server;
    test::Proxy proxy{test::server_dsn()};
    Database database = server.open(proxy.dsn());
};

TEST_F(TransactionOverABadWire, a_commit_whose_answer_was_lost_is_found_committed) {
    const std::string table = server.schema() + ".schema_meta";
    Transaction transaction = database.begin();
    transaction.execute(Statement(Sql("INSERT INTO " + table + " VALUES ('kept', '1')")));
    proxy.drop_reply(1);
    EXPECT_NO_THROW(transaction.commit());
    EXPECT_TRUE(proxy.dropped());
    EXPECT_TRUE(database.query_one(Statement(Sql("SELECT FROM " + table + " WHERE key = 'kept'"))));
}

TEST_F(TransactionOverABadWire, a_commit_is_in_doubt_when_nobody_can_be_asked) {
    Transaction transaction = database.begin();
    transaction.execute(Statement(Sql("INSERT INTO " + server.schema() + ".schema_meta VALUES ('kept', '1')")));
    proxy.refuse(true);
    proxy.drop_reply(1);
    const ErrorInfo error = error_of([&] { transaction.commit(Deadline::after(300ms)); });
    EXPECT_EQ(error.code, ErrorCode::in_doubt);
    EXPECT_TRUE(error.in_doubt);
}

TEST_F(TransactionOverABadWire, that_is_left_behind_waits_for_a_mute_server_no_longer_than_its_last_call_would) {
    const auto began = Deadline::Clock::now();
    {
        Transaction transaction = database.begin();
        Savepoint savepoint = transaction.savepoint();
        savepoint.execute("SELECT 1", Deadline::after(300ms));
        proxy.swallow(test::Way::to_server);
    }
    EXPECT_LT(Deadline::Clock::now() - began, 4s);  // either of the two alone would have waited for five
    proxy.heal();
    EXPECT_EQ(database.query(Statement("SELECT 5").repeatable())[0].get<int>(0), 5);
}

TEST_F(TransactionOverABadWire, is_all_or_nothing_and_never_a_surprise_whichever_reply_is_lost) {
    const std::string table = server.schema() + ".schema_meta";
    const auto count = [&] {
        return database.query(Statement(Sql("SELECT FROM " + table + " WHERE key LIKE 'step%'")).repeatable()).size();
    };
    // a transaction of three round trips, cut at each of them and once not at all
    for (int cut = 1; cut <= 4; ++cut) {
        database.execute(Statement(Sql("DELETE FROM " + table + " WHERE key LIKE 'step%'")));
        proxy.drop_reply(cut);
        bool committed = false;
        std::optional<ErrorInfo> error;
        try {
            Transaction transaction = database.begin();
            transaction.execute(Statement(Sql("INSERT INTO " + table + " VALUES ('step1', '')")));
            transaction.execute(Statement(Sql("INSERT INTO " + table + " VALUES ('step2', '')")));
            transaction.commit();
            committed = true;
        } catch (const Error& thrown) {
            error = thrown.info();
        }
        EXPECT_EQ(proxy.dropped(), cut <= 3) << cut;
        proxy.disarm();
        EXPECT_EQ(committed, cut >= 3) << cut;
        EXPECT_EQ(count(), committed ? 2u : 0u) << cut;
        if (error) {
            EXPECT_EQ(error->retry, Retry::transaction) << cut;
            EXPECT_FALSE(error->in_doubt) << cut;
        }
    }
}

}  // namespace
}  // namespace stele
