#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "stele/copy.hpp"
#include "stele/database.hpp"
#include "stele/dsn.hpp"
#include "support/eventually.hpp"
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
using test::Server;
using testing::HasSubstr;

class Cancel : public testing::Test {
protected:
    /// Waits until the session does something that `what` (a condition on pg_stat_activity) holds for.
    void wait_until(int session, const std::string& what) {
        const Statement ask(Sql("SELECT FROM pg_stat_activity WHERE pid = $1 AND " + what), session);
        EXPECT_TRUE(eventually([&] { return !database.query(ask).empty(); }, 10s))
            << "the session " << session << " never came to " << what;
    }

    Server server;
    Database database = server.bare();
    Connection connection = database.connect();
    int pid = backend_pid(connection);
};

TEST_F(Cancel, stops_the_statement_that_runs_and_leaves_the_connection_usable) {
    const Canceller canceller = connection.canceller();
    std::thread other([&] {
        wait_until(pid, "wait_event = 'PgSleep'");
        const Canceller copy = canceller;
        copy.cancel();
    });
    const auto start = Deadline::Clock::now();
    const ErrorInfo error = error_of([&] { connection.execute("SELECT pg_sleep(20)"); });
    other.join();
    EXPECT_LT(Deadline::Clock::now() - start, 10s);
    EXPECT_EQ(error.code, ErrorCode::cancelled);
    EXPECT_EQ(error.sqlstate, "57014");
    EXPECT_EQ(error.retry, Retry::no);
    EXPECT_THAT(error.message, HasSubstr("cancelled"));
    EXPECT_FALSE(error.poisons_connection);
    EXPECT_EQ(backend_pid(connection), pid);
}

TEST_F(Cancel, is_told_from_the_servers_own_limit) {
    const Canceller canceller = connection.canceller();
    connection.execute("SET statement_timeout = 50");
    const ErrorInfo limit = error_of([&] { connection.execute("SELECT pg_sleep(20)"); });
    EXPECT_EQ(limit.code, ErrorCode::deadline_exceeded);
    EXPECT_EQ(limit.sqlstate, "57014");
    canceller.cancel();  // while nothing runs
    EXPECT_EQ(error_of([&] { connection.execute("SELECT pg_sleep(20)"); }).code, ErrorCode::deadline_exceeded);
}

TEST_F(Cancel, does_nothing_when_nothing_runs) {
    const Canceller canceller = connection.canceller();
    for (int i = 0; i < 200; ++i) {
        canceller.cancel();
        ASSERT_EQ(connection.query({"SELECT $1::int", i})[0].get<int>(0), i);
    }
}

TEST_F(Cancel, stops_a_copy_in_either_direction) {
    connection.execute("CREATE TEMP TABLE numbers (n integer, body bytea)");
    const Canceller canceller = connection.canceller();
    {
        CopyIn in(connection, CopyTable{"numbers"});
        const Bytes body(3000);
        int given = 0;
        in.add(given, body);
        canceller.cancel();
        const ErrorInfo error = error_of([&] {
            for (; given < 300'000; ++given) in.add(given, body);
            in.finish();
        });
        EXPECT_EQ(error.code, ErrorCode::cancelled);
        EXPECT_LT(given, 30'000);
    }
    CopyOut out(connection, "SELECT generate_series(1, 2000000000), repeat('x', 1000)");
    ASSERT_TRUE(out.next());
    canceller.cancel();
    const ErrorInfo error = error_of([&] {
        while (out.next()) {
        }
    });
    EXPECT_EQ(error.code, ErrorCode::cancelled);
    EXPECT_TRUE(connection.query("SELECT FROM numbers").empty());
    EXPECT_EQ(backend_pid(connection), pid);
}

TEST_F(Cancel, never_reaches_whoever_has_the_connection_next) {
    Database single = server.single();
    std::optional<Canceller> canceller;
    int first = 0;
    {
        Connection lent = single.connect();
        first = backend_pid(lent);
        canceller = lent.canceller();
    }
    Connection stranger = single.connect();
    ASSERT_EQ(backend_pid(stranger), first);
    std::thread other([&] {
        wait_until(first, "wait_event = 'PgSleep'");
        canceller->cancel();
    });
    EXPECT_NO_THROW(stranger.execute("SELECT pg_sleep(0.3)"));
    other.join();
    canceller.reset();
}

TEST_F(Cancel, storms_of_it_hit_no_stranger) {
    Database single = server.single();
    std::atomic<bool> stop{false};
    std::mutex mutex;
    std::optional<Canceller> current;  // of the loan that is, or was just, under way
    std::thread storm([&] {
        while (!stop) {
            std::optional<Canceller> canceller;
            {
                const std::lock_guard lock(mutex);
                canceller = current;
            }
            if (canceller) canceller->cancel();
        }
    });
    int cancelled = 0;
    // on a busy machine most cancels come too late
    for (int i = 0; i < 200 || (cancelled < 5 && i < 20'000); ++i) {
        {
            Connection lent = single.connect();
            {
                const std::lock_guard lock(mutex);
                current = lent.canceller();
            }
            try {
                lent.execute("SELECT pg_sleep(0.002)");
            } catch (const Error& error) {
                EXPECT_EQ(error.code(), ErrorCode::cancelled) << error.what();
                ++cancelled;
            }
        }
        // the same pool of one connection, without a canceller of its own, while the old one is still being used
        EXPECT_NO_THROW(single.execute("SELECT pg_sleep(0.002)"));
    }
    stop = true;
    storm.join();
    EXPECT_GE(cancelled, 5);
}

TEST_F(Cancel, is_safe_after_the_database_is_gone) {
    std::optional<Canceller> canceller;
    {
        Database brief = server.bare();
        Connection lent = brief.connect();
        canceller = lent.canceller();
    }
    EXPECT_NO_THROW(canceller->cancel());
}

TEST_F(Cancel, a_lost_connection_gives_no_canceller) {
    end_session(database, pid, 5s);
    EXPECT_THROW(connection.execute("SELECT 1"), Error);
    EXPECT_EQ(error_of([&] { connection.canceller(); }).code, ErrorCode::closed);
}

TEST(CancelOverABadWire, says_when_the_server_cannot_be_asked) {
    Server server;
    const test::Proxy proxy{test::server_dsn()};
    Database database = server.bare(proxy.dsn());
    Connection connection = database.connect();
    const Canceller canceller = connection.canceller();
    EXPECT_NO_THROW(canceller.cancel());
    const Dsn dsn = Dsn::parse(proxy.dsn());
    const std::string socket = dsn.parameters().at("host") + "/.s.PGSQL." + dsn.parameters().at("port");
    ASSERT_EQ(std::rename(socket.c_str(), (socket + ".away").c_str()), 0);
    const ErrorInfo error = error_of([&] { canceller.cancel(); });
    EXPECT_EQ(std::rename((socket + ".away").c_str(), socket.c_str()), 0);
    EXPECT_EQ(error.code, ErrorCode::unavailable);
    EXPECT_THAT(error.message, HasSubstr("cancel"));
    EXPECT_EQ(connection.query("SELECT 1")[0].get<int>(0), 1);
}

}  // namespace
}  // namespace stele
