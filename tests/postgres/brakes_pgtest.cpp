// The pool's brakes with a real server behind a wire that can refuse.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "stele/database.hpp"
#include "support/eventually.hpp"
#include "support/in_threads.hpp"
#include "support/proxy.hpp"
#include "support/server.hpp"
#include "support/session.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::backend_pid;
using test::end_session;
using test::error_of;
using test::eventually;
using test::in_threads;
using test::Server;

class Outages : public testing::Test {
protected:
    Database open(std::chrono::milliseconds patience, std::size_t connections = 4) {
        DatabaseOptions options = server.bare_options(proxy.dsn());
        options.max_connections = connections;
        options.outage_patience = patience;
        return Database::open(options);
    }
    /// Nobody can connect, and no connection is left.
    void begin_outage(Database& database) {
        const int pid = backend_pid(database);
        proxy.refuse(true);
        Database other = server.bare();
        end_session(other, pid);
        std::this_thread::sleep_for(150ms);
    }

    Server server;
    test::Proxy proxy{test::server_dsn()};
};

TEST_F(Outages, that_are_short_cost_time_and_no_error) {
    Database database = open(20s);
    begin_outage(database);
    std::thread repair([this] {
        std::this_thread::sleep_for(300ms);
        proxy.refuse(false);
    });
    std::atomic<int> answered{0};
    in_threads(12, [&](int) { answered += database.query("SELECT 1")[0].get<int>(0); });
    repair.join();
    EXPECT_EQ(answered, 12);
}

TEST_F(Outages, that_are_long_fail_at_once_with_the_last_connect_error_and_end_by_themselves) {
    Database database = open(200ms);
    begin_outage(database);
    const ErrorInfo first = error_of([&] { database.query("SELECT 1", Deadline::after(20s)); });
    EXPECT_EQ(first.code, ErrorCode::unavailable);
    EXPECT_EQ(first.retry, Retry::call);
    EXPECT_FALSE(first.in_doubt);
    EXPECT_THAT(first.message, testing::MatchesRegex("cannot connect to .* \\([0-9]+ attempts in [0-9. ms]+, the last "
                                                     "[0-9.]+ m?s ago\\).*"));
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < 50; ++i) {
        EXPECT_EQ(error_of([&] { database.query("SELECT 1", Deadline::after(20s)); }).code, ErrorCode::unavailable);
    }
    EXPECT_LT(std::chrono::steady_clock::now() - start, 5s);
    proxy.refuse(false);
    EXPECT_TRUE(eventually([&] {
        try {
            return database.query("SELECT 1").size() == 1;
        } catch (const Error&) {
            return false;
        }
    }));
}

TEST_F(Outages, a_deadline_that_passes_in_one_reports_the_connect_error_and_not_only_the_time) {
    Database database = open(20s);
    begin_outage(database);
    const ErrorInfo error = error_of([&] { database.query("SELECT 1", Deadline::after(200ms)); });
    EXPECT_EQ(error.code, ErrorCode::unavailable);
    EXPECT_THAT(error.message, testing::AllOf(testing::HasSubstr("cannot connect to"),
                                              testing::HasSubstr("no connection before the deadline: 0 of 4 in use")));
}

TEST_F(Outages, a_server_that_is_not_there_when_a_database_is_opened_is_reported_at_once) {
    proxy.refuse(true);
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(error_of([&] { open(20s); }).code, ErrorCode::unavailable);
    EXPECT_LT(std::chrono::steady_clock::now() - start, 5s);
}

TEST(PoolBrakes, no_more_connections_are_made_at_once_than_allowed) {
    Server server;
    DatabaseOptions options = server.bare_options();
    options.max_connections = 6;
    options.max_connecting = 2;
    std::atomic<int> at_once{0}, most{0};
    options.initialize = [&](Executor& connection) {
        most = std::max<int>(most, ++at_once);
        connection.execute("SELECT pg_sleep(0.05)");
        --at_once;
    };
    Database database = Database::open(options);
    in_threads(6, [&](int) { database.query("SELECT pg_sleep(0.3)"); });
    EXPECT_EQ(most, 2);
    EXPECT_EQ(database.pool().idle, 6u);
}

TEST(PoolBrakes, surplus_connections_are_closed_after_a_silence_without_any_further_call) {
    Server server;
    DatabaseOptions options = server.bare_options();
    options.max_connections = 3;
    options.max_idle = 1s;
    Database database = Database::open(options);
    {
        Transaction one = database.begin(), two = database.begin(), three = database.begin();
    }
    EXPECT_EQ(database.pool().idle, 3u);
    EXPECT_TRUE(eventually([&] { return database.pool().idle == 1; }, 5s));
    EXPECT_EQ(database.query("SELECT 1")[0].get<int>(0), 1);
}

TEST(PoolBrakes, a_server_that_takes_no_more_connections_leaves_callers_waiting_for_those_it_has) {
    Server server;
    Database admin = server.bare();
    const std::string role = "few_" + server.schema();
    admin.execute(Statement(Sql("CREATE ROLE " + role + " LOGIN CONNECTION LIMIT 1")));
    {
        DatabaseOptions options = server.bare_options(test::server_dsn() + " user=" + role);
        options.outage_patience = 0ms;
        Database database = Database::open(options);
        std::atomic<int> answered{0};
        in_threads(4, [&](int) { answered += static_cast<int>(database.query("SELECT pg_sleep(0.1)").size()); });
        EXPECT_EQ(answered, 4);
    }
    admin.execute(Statement(Sql("DROP ROLE " + role)));
}

}  // namespace
}  // namespace stele
