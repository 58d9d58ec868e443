// Copies whose time is up, whose server takes no more, or whose connection is lost.
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <thread>

#include "postgres/copy_fixture.hpp"
#include "support/eventually.hpp"
#include "support/proxy.hpp"
#include "support/session.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::backend_pid;
using test::Copy;
using test::end_session;
using test::error_of;
using test::eventually;
using test::has_session;
using test::Server;

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

    const int pid = backend_pid(connection);
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
    EXPECT_TRUE(eventually([&] { return !has_session(database, pid); }, 20s)) << "the server works on for nobody";
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
    const int pid = backend_pid(transaction);
    CopyIn in(transaction, columns());
    end_session(database, pid, 5s);
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

class CopyOverABadWire : public testing::Test {
protected:
    Server server;
    test::Proxy proxy{test::server_dsn()};
    Database database = server.open(proxy.dsn());
};

TEST_F(CopyOverABadWire, of_a_transaction_whose_commit_was_lost_is_looked_up) {
    // the copy is all that the transaction wrote
    Transaction transaction = database.begin();
    CopyIn in(transaction, CopyTable{"schema_meta", {"key", "value"}, server.schema()});
    in.add("kept", "1");
    in.finish();
    proxy.refuse(true);
    proxy.drop_reply(1);
    EXPECT_EQ(error_of([&] { transaction.commit(Deadline::after(300ms)); }).code, ErrorCode::in_doubt);
}

TEST_F(CopyOverABadWire, is_all_or_nothing_and_says_so_whichever_reply_is_lost) {
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

TEST_F(CopyOverABadWire, out_never_ends_as_if_it_were_whole_when_a_piece_is_lost) {
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

}  // namespace
}  // namespace stele
