#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <thread>

#include "stele/asio.hpp"
#if BOOST_VERSION >= 107700
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#endif
#if BOOST_VERSION >= 107900
#include <boost/asio/deferred.hpp>
#endif

#include "support/server.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
using test::Server;

/// The Error in it; a test failure when there is none.
ErrorInfo error_in(const std::exception_ptr& failure) {
    return test::error_of([&] {
        if (failure) std::rethrow_exception(failure);
    });
}

Statement square(int n) {
    return Statement("SELECT $1 * $1", n);
}

TEST(Asio, a_callback_gets_the_rows_on_the_thread_that_runs_its_context) {
    Server server;
    asio::io_context context;
    AsyncDatabase database(server.bare(), context.get_executor());
    int answer = 0;
    std::thread::id thread;
    database.async_query(square(7).read(), [&](std::exception_ptr failure, const Rows& rows) {
        ASSERT_FALSE(failure);
        answer = rows[0].get<int>(0U);
        thread = std::this_thread::get_id();
    });
    EXPECT_EQ(answer, 0) << "called before the context ran";
    context.run();  // outstanding work keeps it there until the answer is in
    EXPECT_EQ(answer, 49);
    EXPECT_EQ(thread, std::this_thread::get_id());
}

TEST(Asio, what_shares_a_transaction_with_nothing_may_follow_a_group_commit) {
    Server server;
    DatabaseOptions options = server.options();
    options.max_connections = 1;
    Database blocking = Database::open(options);
    const std::string table = blocking.quoted_schema() + ".t";
    blocking.execute(Statement(Sql("CREATE TABLE " + table + " (n int)")));
    blocking.execute(Statement(Sql("INSERT INTO " + table + " VALUES ($1)"), 1).group_commit("t/1"));
    asio::io_context context;
    bool done = false;
    AsyncDatabase(blocking, context.get_executor())
        .async_query(Statement(Sql("VACUUM " + table)),
                     [&](const std::exception_ptr& failure, const Rows&) { done = failure == nullptr; });
    context.run();
    EXPECT_TRUE(done);
}

TEST(Asio, a_handler_runs_on_the_executor_that_is_bound_to_it) {
    Server server;
    asio::io_context context, other;
    AsyncDatabase database(server.bare(), context.get_executor());
    bool done = false;
    database.async_query(square(7).read(), asio::bind_executor(other.get_executor(),
                                                               [&](std::exception_ptr, const Rows&) { done = true; }));
    context.run();
    EXPECT_FALSE(done);
    other.run();
    EXPECT_TRUE(done);
}

TEST(Asio, a_future_gets_the_value_or_the_error) {
    Server server;
    asio::thread_pool pool(1);
    AsyncDatabase database(server.bare(), pool.get_executor());
    EXPECT_EQ(database.async_query(square(3), asio::use_future).get()[0].get<int>(0U), 9);
    auto wrong = database.async_query(Statement("SELECT 1 / $1::int", 0).read(), asio::use_future);
    EXPECT_EQ(test::error_of([&] { wrong.get(); }).sqlstate, "22012");
    EXPECT_EQ(database.async_execute(Statement("SELECT generate_series(1, 4)"), asio::use_future).get(), 4u);
    pool.join();
}

TEST(Asio, coroutines_share_lanes_and_each_gets_its_own_answer) {
    Server server;
    asio::io_context context;
    AsyncDatabase database(server.bare(), context.get_executor());
    std::atomic<int> right{0}, failed{0};
    const auto ask = [](AsyncDatabase on, int first, std::atomic<int>& good,
                        std::atomic<int>& bad) -> asio::awaitable<void> {
        for (int n = first; n < first + 50; ++n) {
            Statement statement("SELECT $1 * $1 / ($1 % 10)", n);
            try {
                auto query = on.async_query(statement.read_by_key(), asio::use_awaitable);
                Rows rows = co_await std::move(query);
                if (rows[0].get<int>(0U) == n * n / (n % 10)) ++good;
            } catch (const Error& error) {
                if (n % 10 == 0 && error.sqlstate() == "22012") ++bad;
            }
        }
    };
    for (int i = 0; i < 40; ++i) asio::co_spawn(context, ask(database, i * 50, right, failed), asio::detached);
    std::thread second([&] { context.run(); });
    context.run();
    second.join();
    EXPECT_EQ(right, 40 * 45);
    EXPECT_EQ(failed, 40 * 5);
}

TEST(Asio, blocking_and_asynchronous_callers_share_lanes) {
    Server server;
    asio::io_context context;
    Database both = server.bare();
    AsyncDatabase database(both, context.get_executor());
    auto work = asio::make_work_guard(context);
    std::thread runner([&] { context.run(); });
    std::atomic<int> blocking{0}, asynchronous{0};
    std::vector<std::thread> callers;
    for (int caller = 0; caller < 4; ++caller) {
        callers.emplace_back([&, caller] {
            for (int n = 0; n < 200; ++n) {
                if (both.query(square(caller * n).read())[0].get<int>(0U) == caller * n * caller * n) ++blocking;
            }
        });
        callers.emplace_back([&, caller] {
            for (int n = 0; n < 200; ++n) {
                const int value = caller * n;
                if (database.async_query(square(value).read(), asio::use_future).get()[0].get<int>(0U) ==
                    value * value) {
                    ++asynchronous;
                }
            }
        });
    }
    for (std::thread& caller : callers) caller.join();
    work.reset();
    runner.join();
    EXPECT_EQ(blocking, 800);
    EXPECT_EQ(asynchronous, 800);
}

TEST(Asio, a_batch_is_one_transaction) {
    Server server;
    asio::io_context context;
    Database database = server.bare();
    database.execute("CREATE SCHEMA " + database.quoted_schema());
    database.execute("CREATE TABLE " + database.quoted_schema() + ".t (n int)");
    AsyncDatabase async(database, context.get_executor());
    const std::string insert = "INSERT INTO " + database.quoted_schema() + ".t VALUES ($1)";
    const std::vector<Statement> batch{Statement(insert, 1), Statement(insert, 2), Statement("SELECT 1 / 0")};
    async.async_run(batch, [&](std::exception_ptr failure, const std::vector<Rows>& answers) {
        EXPECT_THAT(error_in(failure).message, testing::HasSubstr("statement 3 of 3"));
        EXPECT_TRUE(answers.empty());
    });
    context.run();
    EXPECT_EQ(database.query("SELECT count(*)::int FROM " + database.quoted_schema() + ".t")[0].get<int>(0U), 0);
}

TEST(Asio, a_call_ends_at_its_deadline_and_no_thread_waits_for_it) {
    Server server;
    asio::io_context context;
    AsyncDatabase database(server.bare(), context.get_executor());
    std::vector<ErrorInfo> errors;
    const auto begin = Deadline::Clock::now();
    database.async_query(Statement("SELECT pg_sleep(5)").slow_read(), Deadline::after(100ms),
                         [&](std::exception_ptr failure, const Rows&) { errors.push_back(error_in(failure)); });
    database.async_query(Statement("SELECT 1"), Deadline::after(-1ms),
                         [&](std::exception_ptr failure, const Rows&) { errors.push_back(error_in(failure)); });
    context.run();
    ASSERT_EQ(errors.size(), 2u);
    EXPECT_EQ(errors[0].code, ErrorCode::deadline_exceeded);
    EXPECT_EQ(errors[1].code, ErrorCode::deadline_exceeded);
    EXPECT_LT(Deadline::Clock::now() - begin, 3s);
}

TEST(Asio, what_is_under_way_when_the_database_goes_ends_with_an_error) {
    Server server;
    asio::io_context context;
    std::optional<ErrorInfo> error;
    {
        AsyncDatabase database(server.bare(), context.get_executor());
        database.async_query(Statement("SELECT pg_sleep(5)").slow_read(),
                             [&](std::exception_ptr failure, const Rows&) { error = error_in(failure); });
    }
    context.run();
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, ErrorCode::closed);
}

TEST(Asio, a_database_without_lanes_says_that_it_needs_them) {
    Server server;
    asio::io_context context;
    DatabaseOptions options = server.bare_options();
    options.lanes = 0;
    AsyncDatabase database(Database::open(options), context.get_executor());
    std::optional<ErrorInfo> error;
    database.async_query(square(1), [&](std::exception_ptr failure, const Rows&) { error = error_in(failure); });
    context.run();
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, ErrorCode::invalid_argument);
    EXPECT_THAT(error->message, testing::HasSubstr("lanes"));
}

#if BOOST_VERSION >= 107700
TEST(Asio, a_call_can_be_cancelled) {
    Server server;
    asio::io_context context;
    AsyncDatabase database(server.bare(), context.get_executor());
    asio::cancellation_signal signal;
    std::optional<ErrorInfo> error;
    database.async_query(Statement("SELECT pg_sleep(5)").slow_read(),
                         asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr failure, const Rows&) {
                             error = error_in(failure);
                         }));
    signal.emit(asio::cancellation_type::terminal);
    context.run();
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, ErrorCode::cancelled);
}
#endif

#if BOOST_VERSION >= 107900
TEST(Asio, a_deferred_call_starts_when_it_is_asked_for) {
    Server server;
    asio::io_context context;
    AsyncDatabase database(server.bare(), context.get_executor());
    auto later = database.async_query(square(5).read(), asio::deferred);
    int answer = 0;
    std::move(later)([&](std::exception_ptr, const Rows& rows) { answer = rows[0].get<int>(0U); });
    context.run();
    EXPECT_EQ(answer, 25);
}
#endif

/// Without Asio.
class Recorded final : public AsyncCall {
public:
    using AsyncCall::AsyncCall;
    void wait() {
        while (!done_) std::this_thread::sleep_for(1ms);
    }
    std::exception_ptr failure;
    std::vector<Rows> rows;

private:
    void done(std::exception_ptr error, std::vector<Rows> answers) noexcept override {
        failure = std::move(error);
        rows = std::move(answers);
        done_ = true;
    }
    std::atomic<bool> done_{false};
};

TEST(AsyncCall, can_be_cancelled_and_says_whether_a_write_is_in_doubt) {
    Server server;
    Database database = server.bare();
    const auto write = std::make_shared<Recorded>(Statement("SELECT pg_sleep(5)"));
    write->start(database);
    std::this_thread::sleep_for(200ms);
    write->cancel();
    write->wait();
    EXPECT_EQ(error_in(write->failure).code, ErrorCode::cancelled);
    EXPECT_TRUE(error_in(write->failure).in_doubt);
    write->cancel();  // nothing is left to cancel
}

TEST(AsyncCall, survives_being_cancelled_at_any_moment) {
    Server server;
    Database database = server.bare();
    int answered = 0, cancelled = 0;
    for (int i = 0; i < 300; ++i) {
        const auto call = std::make_shared<Recorded>(square(i).read());
        call->start(database);
        std::this_thread::sleep_for(std::chrono::microseconds(i));
        call->cancel();
        call->wait();
        if (call->failure) {
            EXPECT_EQ(error_in(call->failure).code, ErrorCode::cancelled);
            ++cancelled;
        } else {
            EXPECT_EQ(call->rows.at(0)[0].get<int>(0U), i * i);
            ++answered;
        }
    }
    EXPECT_EQ(answered + cancelled, 300);
}

}  // namespace
}  // namespace stele
