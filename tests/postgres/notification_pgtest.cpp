#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "stele/copy.hpp"
#include "stele/database.hpp"
#include "stele/notification.hpp"
#include "support/server.hpp"
#include "support/session.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::backend_pid;
using test::end_session;
using test::error_of;
using test::Server;
using testing::HasSubstr;

class Notifications : public testing::Test {
protected:
    void notify(const std::string& channel_name, const std::string& payload) {
        database.execute({"SELECT pg_notify($1, $2)", channel_name, payload});
    }
    /// The server hands out what was sent before, at the latest with the answer to a statement.
    void let_arrive() { connection.execute("SELECT 1"); }
    std::string next(Connection& from, Deadline deadline = Deadline::after(10s)) {
        const auto found = from.wait_notification(deadline);
        return found ? found->channel + ":" + found->payload : "nothing";
    }

    Server server;
    Database database = server.bare();
    Connection connection = database.connect();
    std::string channel = server.schema() + " Änderungen \"x\"";  // of this test alone
};

TEST_F(Notifications, tell_channel_payload_and_sender) {
    connection.listen(channel);
    Connection sender = database.connect();
    const int pid = backend_pid(sender);
    sender.execute({"SELECT pg_notify($1, $2)", channel, "wört"});
    const auto found = connection.wait_notification(Deadline::after(10s));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->channel, channel);
    EXPECT_EQ(found->payload, "wört");
    EXPECT_EQ(found->backend_pid, pid);
}

TEST_F(Notifications, wake_a_wait_that_is_under_way) {
    connection.listen(channel);
    std::thread later([&] {
        std::this_thread::sleep_for(100ms);
        notify(channel, "late");
    });
    EXPECT_EQ(next(connection), channel + ":late");
    later.join();
}

TEST_F(Notifications, that_came_during_other_statements_are_kept_in_order) {
    connection.listen(channel);
    for (int i = 0; i < 100; ++i) {
        notify(channel, std::to_string(i));
        if (i % 10 == 0) connection.execute("SELECT 1");
    }
    {
        CopyOut copy(connection, "SELECT generate_series(1, 10)");
        notify(channel, "100");
        EXPECT_EQ(error_of([&] { next(connection); }).code, ErrorCode::invalid_argument);
        while (copy.next()) {
        }
    }
    for (int i = 0; i <= 100; ++i) EXPECT_EQ(next(connection), channel + ":" + std::to_string(i));
    EXPECT_EQ(next(connection, Deadline::after(0s)), "nothing");
}

TEST_F(Notifications, of_great_number_and_size_all_arrive) {
    connection.listen(channel);
    const std::string large(7000, 'x');
    for (int i = 0; i < 20; ++i) {
        database.execute({"SELECT pg_notify($1, $2 || n) FROM generate_series(1, 100) AS n", channel, large});
    }
    for (int i = 0; i < 2000; ++i) {
        ASSERT_EQ(next(connection), channel + ":" + large + std::to_string(i % 100 + 1)) << i;
    }
    EXPECT_EQ(next(connection, Deadline::after(0s)), "nothing");
}

TEST_F(Notifications, a_wait_ends_at_its_deadline_and_harms_nothing) {
    connection.listen(channel);
    const auto start = Deadline::Clock::now();
    EXPECT_EQ(next(connection, Deadline::after(100ms)), "nothing");
    EXPECT_GE(Deadline::Clock::now() - start, 100ms);
    EXPECT_EQ(next(connection, Deadline::after(-1s)), "nothing");
    EXPECT_EQ(connection.query("SELECT 1")[0].get<int>(0), 1);
    notify(channel, "still here");
    EXPECT_EQ(next(connection), channel + ":still here");
}

TEST_F(Notifications, of_a_channel_end_with_unlisten) {
    connection.listen(channel);
    connection.listen("other");
    connection.unlisten(channel);
    notify(channel, "unheard");
    notify("other", "heard");
    EXPECT_EQ(next(connection), "other:heard");
    EXPECT_EQ(next(connection, Deadline::after(0s)), "nothing");
}

TEST_F(Notifications, names_of_channels_are_quoted_and_those_that_postgres_would_cut_are_refused) {
    connection.listen(R"(x"; DROP TABLE y; --)");
    notify(R"(x"; DROP TABLE y; --)", "quoted");
    EXPECT_EQ(next(connection), R"(x"; DROP TABLE y; --:quoted)");
    connection.listen(std::string(63, 'c'));
    notify(std::string(63, 'c'), "");
    EXPECT_EQ(next(connection), std::string(63, 'c') + ":");
    const ErrorInfo error = error_of([&] { connection.listen(std::string(64, 'c')); });
    EXPECT_EQ(error.code, ErrorCode::invalid_argument);
    EXPECT_THAT(error.message, HasSubstr("64 bytes"));
    EXPECT_EQ(error_of([&] { connection.listen(""); }).code, ErrorCode::invalid_argument);
}

TEST_F(Notifications, are_not_left_to_whoever_has_the_connection_next) {
    Database single = server.single();
    int pid = 0;
    {
        Connection first = single.connect();
        pid = backend_pid(first);
        first.listen(channel);
        notify(channel, "for the first");
        first.execute("SELECT 1");
    }
    Connection second = single.connect();
    ASSERT_EQ(backend_pid(second), pid);
    notify(channel, "for nobody");
    EXPECT_EQ(next(second, Deadline::after(100ms)), "nothing");
}

TEST_F(Notifications, a_lost_connection_is_an_error_after_what_had_arrived) {
    connection.listen(channel);
    const int pid = backend_pid(connection);
    notify(channel, "before");
    let_arrive();
    end_session(database, pid, 5s);
    EXPECT_EQ(next(connection), channel + ":before");
    const ErrorInfo error = error_of([&] { next(connection); });
    EXPECT_EQ(error.code, ErrorCode::unavailable);
    EXPECT_EQ(error.retry, Retry::call);
    EXPECT_TRUE(error.poisons_connection);
    EXPECT_THAT(error.message, HasSubstr("missed"));
    EXPECT_EQ(error_of([&] { next(connection); }).code, ErrorCode::closed);
    EXPECT_EQ(error_of([&] { connection.listen(channel); }).code, ErrorCode::closed);
}

TEST_F(Notifications, a_connection_that_is_lost_during_the_wait_ends_it) {
    connection.listen(channel);
    const int pid = backend_pid(connection);
    std::thread later([&] {
        std::this_thread::sleep_for(100ms);
        end_session(database, pid, 5s);
    });
    EXPECT_EQ(error_of([&] { next(connection); }).code, ErrorCode::unavailable);
    later.join();
}

TEST_F(Notifications, a_waker_ends_the_wait_under_way_or_the_next_one_and_only_one) {
    connection.listen(channel);
    const Waker waker = connection.waker();
    std::thread later([waker] {
        std::this_thread::sleep_for(100ms);
        waker.wake();
    });
    const auto start = Deadline::Clock::now();
    EXPECT_EQ(next(connection, Deadline::never()), "nothing");
    later.join();

    waker.wake();
    connection.waker().wake();
    EXPECT_EQ(next(connection, Deadline::never()), "nothing");
    EXPECT_LT(Deadline::Clock::now() - start, 5s);
    EXPECT_EQ(next(connection, Deadline::after(50ms)), "nothing");
    notify(channel, "afterwards");
    let_arrive();
    waker.wake();
    EXPECT_EQ(next(connection), channel + ":afterwards") << "nothing is lost by waking";
    EXPECT_EQ(next(connection, Deadline::never()), "nothing");
}

TEST_F(Notifications, a_waker_may_outlive_its_connection) {
    std::optional<Waker> waker;
    {
        Connection gone = database.connect();
        waker = gone.waker();
    }
    waker->wake();
    Connection next_one = database.connect();
    EXPECT_EQ(next(next_one, Deadline::after(20ms)), "nothing");
}

TEST_F(Notifications, a_thread_of_its_own_can_be_fed_and_shut_down) {
    std::atomic<bool> stop{false};
    std::vector<std::string> heard;
    connection.listen(channel);
    const Waker waker = connection.waker();
    std::thread listener([&] {
        while (!stop) {
            if (const auto found = connection.wait_notification(Deadline::never())) heard.push_back(found->payload);
        }
        let_arrive();
        while (const auto found = connection.wait_notification(Deadline::after(0s))) heard.push_back(found->payload);
    });
    std::vector<std::string> sent;
    for (int i = 0; i < 200; ++i) {
        sent.push_back(std::to_string(i));
        notify(channel, sent.back());
        if (i % 7 == 0) waker.wake();
    }
    stop = true;
    waker.wake();
    listener.join();
    EXPECT_EQ(heard, sent);
}

}  // namespace
}  // namespace stele
