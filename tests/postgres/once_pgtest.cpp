#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "stele/once.hpp"
#include "support/in_threads.hpp"
#include "support/pgbouncer.hpp"
#include "support/proxy.hpp"
#include "support/server.hpp"
#include "support/session.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::backend_pid;
using test::end_session;
using test::error_of;
using test::in_threads;
using test::Server;
using testing::HasSubstr;

class Once : public testing::Test {
protected:
    void SetUp() override { direct.execute(Statement(Sql("CREATE TABLE " + orders + " (n bigserial, text text)"))); }
    /// Writes one row and returns its number.
    auto order(const std::string& text = "tea") {
        return [this, text](Transaction& transaction) {
            ++runs;
            const Rows rows =
                transaction.query(Statement(Sql("INSERT INTO " + orders + " (text) VALUES ($1) RETURNING n"), text));
            return Json::parse(R"({"number": )" + std::to_string(rows[0].get<std::int64_t>(0)) + "}");
        };
    }
    std::int64_t count(const std::string& table) {
        return direct.query(Statement(Sql("SELECT count(*) FROM " + table)))[0].get<std::int64_t>(0);
    }

    Server server;
    Database direct = server.open();
    std::string orders = server.schema() + ".orders";
    std::string operations = server.schema() + ".stele_operations";
    std::atomic<int> runs{0};
};

TEST_F(Once, does_it_the_first_time_and_gives_the_outcome_back_every_other_time) {
    const Uuid id = Uuid::v7();
    const OnceResult first = once(direct, id, order());
    EXPECT_FALSE(first.repeated);
    EXPECT_EQ(first.outcome.text(), R"({"number": 1})");
    for (int i = 0; i < 3; ++i) {
        const OnceResult again = once(direct, id, order());
        EXPECT_TRUE(again.repeated);
        EXPECT_EQ(again.outcome, first.outcome);
    }
    EXPECT_EQ(count(orders), 1);
    EXPECT_EQ(runs, 1);
    EXPECT_EQ(once(direct, Uuid::v7(), order()).outcome.text(), R"({"number": 2})");
}

TEST_F(Once, work_without_an_outcome_is_done_once_too) {
    const Uuid id = Uuid::v7();
    const auto work = [this](Transaction& transaction) {
        transaction.execute(Statement(Sql("INSERT INTO " + orders + " (text) VALUES ('tea')")));
    };
    EXPECT_TRUE(once(direct, id, work).outcome.is_null());
    const OnceResult again = once(direct, id, work);
    EXPECT_TRUE(again.repeated);
    EXPECT_TRUE(again.outcome.is_null());
    EXPECT_EQ(count(orders), 1);
}

TEST_F(Once, what_the_work_throws_undoes_it_and_it_may_be_done_later) {
    const Uuid id = Uuid::v7();
    EXPECT_THROW(once(direct, id,
                      [&](Transaction& transaction) {
                          order()(transaction);
                          throw std::runtime_error("no");
                      }),
                 std::runtime_error);
    EXPECT_EQ(error_of([&] {
                  once(direct, id, [&](Transaction& transaction) {
                      order()(transaction);
                      transaction.execute("SELECT 1 / 0");
                  });
              }).sqlstate,
              "22012");
    EXPECT_EQ(count(orders), 0);
    EXPECT_EQ(count(operations), 0);
    EXPECT_FALSE(once(direct, id, order()).repeated);
}

TEST_F(Once, callers_at_once_wait_for_the_first_and_get_its_outcome_at_every_isolation) {
    for (const Isolation isolation : {Isolation::read_committed, Isolation::repeatable_read, Isolation::serializable}) {
        const Uuid id = Uuid::v7();
        const std::int64_t before = count(orders);
        std::atomic<int> done{0}, repeated{0};
        in_threads(6, [&](int) {
            OnceOptions options;
            options.transaction.isolation = isolation;
            options.attempts = 20;
            const OnceResult result = once(direct, id, order(), options);
            ++(result.repeated ? repeated : done);
        });
        EXPECT_EQ(done, 1);
        EXPECT_EQ(repeated, 5);
        EXPECT_EQ(count(orders), before + 1);
    }
}

TEST_F(Once, happens_once_whichever_reply_is_lost) {
    test::Proxy proxy{test::server_dsn()};
    Database database = server.open(proxy.dsn());
    // begin and claim, work, outcome, commit; and once not at all
    for (int cut = 1; cut <= 5; ++cut) {
        const Uuid id = Uuid::v7();
        const std::int64_t before = count(orders);
        proxy.drop_reply(cut);
        const OnceResult result = once(database, id, order());
        EXPECT_TRUE(proxy.dropped() || cut == 5) << cut;  // what comes fifth may be of a new connection
        proxy.disarm();
        EXPECT_FALSE(result.repeated) << cut;
        EXPECT_EQ(count(orders), before + 1) << cut;
        EXPECT_TRUE(once(database, id, order()).repeated) << cut;
        EXPECT_EQ(once(direct, id, order()).outcome, result.outcome) << cut;
        EXPECT_EQ(count(orders), before + 1) << cut;
    }
}

TEST_F(Once, happens_once_when_its_session_is_killed_before_each_step) {
    Database database = server.open();
    for (int step = 0; step < 3; ++step) {
        const Uuid id = Uuid::v7();
        const std::int64_t before = count(orders);
        int attempt = 0;
        const auto kill = [&](Transaction& transaction) {
            end_session(direct, backend_pid(transaction));
            std::this_thread::sleep_for(50ms);
        };
        const OnceResult result = once(database, id, [&](Transaction& transaction) {
            const bool first = attempt++ == 0;
            if (first && step == 0) kill(transaction);  // before the work
            const Json outcome = order()(transaction);
            if (first && step == 1) kill(transaction);                          // before the outcome is stored
            return first && step == 2 ? (kill(transaction), Json()) : outcome;  // before the commit is sent
        });
        EXPECT_EQ(attempt, 2) << step;
        EXPECT_FALSE(result.repeated) << step;
        EXPECT_EQ(count(orders), before + 1) << step;
        EXPECT_TRUE(once(database, id, order()).repeated) << step;
    }
}

TEST_F(Once, a_commit_in_doubt_says_so_and_is_settled_by_sending_it_again) {
    test::Proxy proxy{test::server_dsn()};
    Database database = server.open(proxy.dsn());
    const Uuid id = Uuid::v7();
    OnceOptions hurried;
    hurried.deadline = Deadline::after(500ms);
    proxy.drop_reply(4);
    const ErrorInfo error = error_of([&] {
        once(
            database, id,
            [&](Transaction& transaction) {
                proxy.refuse(true);
                return order()(transaction);
            },
            hurried);
    });
    EXPECT_EQ(error.code, ErrorCode::in_doubt);
    EXPECT_TRUE(error.in_doubt);
    EXPECT_EQ(error.retry, Retry::call);
    EXPECT_THAT(error.message, HasSubstr("send it again with the same id"));
    proxy.refuse(false);
    const OnceResult again = once(database, id, order());
    EXPECT_TRUE(again.repeated);
    EXPECT_EQ(again.outcome.text(), R"({"number": 1})");
    EXPECT_EQ(count(orders), 1);
}

TEST_F(Once, works_behind_a_transaction_pooler) {
    const test::PgBouncer pooler;
    DatabaseOptions options = server.options(pooler.dsn());
    options.pooler = Pooler::transaction;
    Database database = Database::open(options);
    const Uuid id = Uuid::v7();
    in_threads(4, [&](int) { once(database, id, order()); });
    EXPECT_EQ(count(orders), 1);
}

TEST_F(Once, ids_that_nobody_may_send_again_are_removed_in_passing) {
    direct.execute(Statement(Sql("INSERT INTO " + operations +
                                 " SELECT gen_random_uuid(), NULL, now() - interval '10 days' FROM generate_series(1, "
                                 "150)")));
    direct.execute(Statement(Sql("INSERT INTO " + operations +
                                 " VALUES (gen_random_uuid(), NULL, now() - interval '8 "
                                 "days')")));
    Uuid id = Uuid::v7();
    for (int i = 0; i < 2; ++i) {
        id = Uuid::v7();
        id.bytes[15] = 32;  // the one in 32 that cleans up
        once(direct, id, order());
    }
    EXPECT_EQ(count(operations), 3);
    id.bytes[15] = 33;
    direct.execute(Statement(Sql("UPDATE " + operations + " SET created_at = now() - interval '10 days'")));
    once(direct, id, order());
    EXPECT_EQ(count(operations), 4);
}

TEST_F(Once, refuses_ids_and_transactions_that_cannot_keep_the_promise) {
    EXPECT_EQ(error_of([&] { once(direct, Uuid{}, order()); }).code, ErrorCode::invalid_argument);
    OnceOptions read_only;
    read_only.transaction.read_only = true;
    EXPECT_EQ(error_of([&] { once(direct, Uuid::v7(), order(), read_only); }).code, ErrorCode::invalid_argument);
    EXPECT_EQ(runs, 0);
}

// Statement::repeatable() tells how a compare is written so that it may be sent twice.
class CompareGuard : public Once {
protected:
    void SetUp() override {
        direct.execute(
            Statement(Sql("CREATE TABLE " + settings + " (key text PRIMARY KEY, value text, revision uuid)")));
    }
    Statement replace(const std::string& value, const Uuid& old, const Uuid& own) const {
        return Statement(
                   Sql("UPDATE " + settings + " SET value = $2, revision = $4 WHERE key = $1 AND revision IN ($3, $4)"),
                   "colour", value, old, own)
            .repeatable();
    }
    Statement create(const std::string& value, const Uuid& own) const {
        return Statement(Sql("INSERT INTO " + settings +
                             " AS t (key, value, revision) VALUES ($1, $2, $3) ON CONFLICT (key) DO UPDATE SET value = "
                             "EXCLUDED.value WHERE t.revision = EXCLUDED.revision"),
                         "colour", value, own)
            .repeatable();
    }
    std::string settings = server.schema() + ".settings";
};

TEST_F(CompareGuard, a_write_that_is_sent_again_recognises_its_own_effect) {
    test::Proxy proxy{test::server_dsn()};
    Database database = server.open(proxy.dsn());
    const Uuid first = Uuid::v7(), second = Uuid::v7(), late = Uuid::v7();
    database.query("SELECT 1");
    proxy.drop_reply(1);  // the server has done it, and its answer is lost
    EXPECT_EQ(database.execute(create("red", first)), 1u);
    EXPECT_TRUE(proxy.dropped());
    proxy.drop_reply(1);
    EXPECT_EQ(database.execute(replace("green", first, second)), 1u);
    EXPECT_TRUE(proxy.dropped());
    // somebody else was first
    EXPECT_EQ(database.execute(replace("blue", first, late)), 0u);
    EXPECT_EQ(database.execute(create("blue", late)), 0u);
    EXPECT_EQ(direct.query(Statement(Sql("SELECT value FROM " + settings)))[0].get<std::string>(0), "green");
}

}  // namespace
}  // namespace stele
