// How long what waits for a lock waits, after a write lane had its connection.
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <thread>

#include "postgres/lane_rows.hpp"
#include "support/session.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::error_of;
using test::expect_row;
using test::row;
using test::Server;
using test::with_rows;

Database with_short_timeout(Server& server) {
    return with_rows(server, [](DatabaseOptions& options) {
        options.lock_timeout = 200ms;
        options.max_connections = 2;  // of which the holder has one
    });
}

TEST(LaneLockTimeout, a_group_that_writes_leaves_no_lock_timeout_to_others) {
    Server server;
    Database database = with_short_timeout(server);
    const std::string table = database.quoted_schema() + ".t";
    const Statement update("UPDATE " + table + " SET text = 'x' WHERE n = $1", 3);
    const Statement write = Statement(update).group_commit("t/3");
    const std::function<void()> waiting[] = {
        [&] { expect_row(database.query(row(database, 5).read()), 5); },
        [&] { expect_row(database.query(row(database, 5).slow_read()), 5); },
        [&] { database.execute(update); },
        [&] {
            Transaction transaction = database.begin();
            transaction.execute(update);
            transaction.commit();
        },
        [&] { database.connect().execute(update); },
        // which share a transaction with nothing
        [&] { database.execute("VACUUM " + table); },
    };
    for (const auto& wait : waiting) {
        Transaction holder = database.begin();
        holder.execute(Statement("SELECT 1"));
        for (int i = 0; i < 2; ++i) database.execute(write);
        holder.execute(Statement("LOCK TABLE " + table));
        test::leave_no_snapshot(holder);
        std::thread later([&] {
            std::this_thread::sleep_for(800ms);  // several times the lock_timeout
            holder.rollback();
        });
        EXPECT_NO_THROW(wait());
        later.join();
    }
}

TEST(LaneLockTimeout, a_transaction_that_changes_it_for_the_session_leaves_the_lane_its_own) {
    Server server;
    Database database = with_short_timeout(server);
    const std::string table = database.quoted_schema() + ".t";
    Transaction holder = database.begin();
    holder.execute(Statement("UPDATE " + table + " SET text = 'x' WHERE n = 7"));
    for (const char* change : {"RESET ALL", "RESET lock_timeout", "SET lock_timeout = '1min'"}) {
        SCOPED_TRACE(change);
        database.execute(Statement("UPDATE " + table + " SET text = 'x' WHERE n = 3").group_commit("t/3"));
        Transaction transaction = database.begin();
        transaction.execute(Statement(Sql(change)));
        transaction.commit();
        const Statement locked = Statement("UPDATE " + table + " SET text = 'x' WHERE n = $1", 7).group_commit("t/7");
        EXPECT_EQ(error_of([&] { database.execute(locked, Deadline::after(20s)); }).sqlstate, "55P03");
    }
}

TEST(LaneLockTimeout, a_session_that_has_forgotten_its_statements_serves_others_all_the_same) {
    Server server;
    Database database = with_rows(server, [](DatabaseOptions& options) { options.max_connections = 1; });
    const std::string table = database.quoted_schema() + ".t";
    const Statement write = Statement("UPDATE " + table + " SET text = 'x' WHERE n = 3").group_commit("t/3");
    database.execute(write);
    EXPECT_NO_THROW(database.connect());  // which prepares the reset
    database.execute(write);
    Transaction transaction = database.begin();
    transaction.execute("DEALLOCATE ALL");
    transaction.commit();
    EXPECT_NO_THROW(database.connect());
}

TEST(LaneLockTimeout, a_group_that_failed_has_set_no_lock_timeout) {
    Server server;
    Database database = with_short_timeout(server);
    const std::string table = database.quoted_schema() + ".t";
    Transaction holder = database.begin();
    holder.execute(Statement("UPDATE " + table + " SET text = 'x' WHERE n = 7"));
    const Statement wrong = Statement("UPDATE " + table + " SET n = n / 0 WHERE n = $1", 3).group_commit("t/3");
    EXPECT_THROW(database.execute(wrong), Error);
    const Statement locked = Statement("UPDATE " + table + " SET text = 'x' WHERE n = $1", 7).group_commit("t/7");
    for (int i = 0; i < 2; ++i) EXPECT_EQ(error_of([&] { database.execute(locked); }).sqlstate, "55P03");
}

}  // namespace
}  // namespace stele
