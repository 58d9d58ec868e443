#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "stele/database.hpp"
#include "support/eventually.hpp"
#include "support/proxy.hpp"
#include "support/recording_tracer.hpp"
#include "support/scrape.hpp"
#include "support/server.hpp"
#include "support/session.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::backend_pid;
using test::end_session;
using test::error_of;
using test::eventually;
using test::Scrape;
using test::Server;

class MetricsTest : public testing::Test {
protected:
    Database open(std::size_t connections = 8, const std::string& dsn = test::server_dsn()) {
        DatabaseOptions options = server.bare_options(dsn);
        options.max_connections = connections;
        options.metrics = metrics;
        options.tracer = tracer;
        return Database::open(options);
    }
    Scrape scrape() const { return Scrape(*metrics); }
    double calls(const std::string& kind) const {
        return scrape()["stele_postgres_call_duration_seconds_count{kind=\"" + kind + "\"}"];
    }
    double number(const std::string& series) const { return scrape()["stele_postgres_" + series]; }
    double connections(const std::string& state) const { return number("pool_connections{state=\"" + state + "\"}"); }
    /// What it is from now on.
    void kill(Database& database) const {
        Database other = server.bare();
        end_session(other, backend_pid(database));
        std::this_thread::sleep_for(100ms);
    }
    std::string make_table(Database& database, const std::string& columns = "(n int)") const {
        std::string table = server.schema() + ".t";
        database.execute(Statement(Sql("CREATE SCHEMA IF NOT EXISTS " + server.schema())));
        database.execute(Statement(Sql("CREATE TABLE " + table + columns)));
        return table;
    }

    Server server;
    std::shared_ptr<PrometheusMetrics> metrics = std::make_shared<PrometheusMetrics>();
    std::shared_ptr<test::RecordingTracer> tracer = std::make_shared<test::RecordingTracer>();
};

TEST_F(MetricsTest, every_call_is_counted_by_its_kind_and_every_round_trip_by_its_size) {
    Database database = open(2);
    const std::string lane = "{lane=\"exclusive\"}";
    for (int i = 0; i < 3; ++i) database.query("SELECT 1");
    const Statement batch[] = {"SELECT 1", "SELECT 2", "SELECT 3"};
    database.run(batch);
    EXPECT_EQ(calls("single"), 3);
    EXPECT_EQ(calls("batch"), 1);
    EXPECT_EQ(number("round_trip_statements_sum" + lane), 6);
    EXPECT_EQ(number("round_trip_statements_count" + lane), 4);
    EXPECT_EQ(number("round_trip_duration_seconds_count" + lane), 4);
    EXPECT_EQ(number("queue_duration_seconds_count" + lane), 5);  // and one to open
    EXPECT_GT(number("call_duration_seconds_sum{kind=\"single\"}"), 0);
    EXPECT_LT(number("round_trip_duration_seconds_sum" + lane), 1);
    {
        Transaction transaction = database.begin();
        transaction.query("SELECT 1");
        Savepoint savepoint = transaction.savepoint();
        savepoint.query("SELECT 2");
        savepoint.rollback();
        transaction.commit();
    }
    EXPECT_EQ(calls("transaction"), 3);
    EXPECT_EQ(calls("commit"), 1);
    {
        Transaction transaction = database.begin();
        transaction.query("SELECT 1");
    }
    EXPECT_EQ(calls("rollback"), 1);
    {
        Transaction never_begun = database.begin();
    }
    EXPECT_EQ(calls("rollback"), 1);
    database.connect().query("SELECT 1");
    EXPECT_EQ(calls("connection"), 1);
    EXPECT_EQ(number("connect_duration_seconds_count" + lane), 1);
    for (const auto& [series, value] : scrape().values()) {
        if (series.find("errors") != std::string::npos) {
            EXPECT_EQ(value, 0) << series;
        }
    }
}

TEST_F(MetricsTest, an_error_is_counted_by_its_code) {
    Database database = open();
    const ErrorInfo error = error_of([&] { database.query("SELECT 1 / 0"); });
    error_of([&] { database.query("SELECT pg_sleep(1)", Deadline::after(20ms)); });
    EXPECT_EQ(number("call_errors_total{code=\"" + std::string(to_string(error.code)) + "\"}"), 1);
    EXPECT_EQ(number("call_errors_total{code=\"deadline_exceeded\"}"), 1);
    EXPECT_EQ(calls("single"), 2);
}

TEST_F(MetricsTest, the_gauges_follow_the_pool_and_the_time_in_line_is_measured) {
    {
        Database database = open(1);
        EXPECT_EQ(connections("idle"), 1);
        EXPECT_EQ(number("pool_max_connections"), 1);
        std::optional<Connection> held = database.connect();
        EXPECT_EQ(connections("idle"), 0);
        EXPECT_EQ(connections("in_use"), 1);
        const double before = number("queue_duration_seconds_sum{lane=\"exclusive\"}");
        std::thread waiter([&] { database.query("SELECT 1"); });
        EXPECT_TRUE(eventually([&] { return number("pool_waiting") == 1; }, 10s));
        std::this_thread::sleep_for(100ms);
        held.reset();
        waiter.join();
        EXPECT_EQ(number("pool_waiting"), 0);
        EXPECT_GE(number("queue_duration_seconds_sum{lane=\"exclusive\"}") - before, 0.1);
        held = database.connect();
        EXPECT_EQ(error_of([&] { database.query("SELECT 1", Deadline::after(20ms)); }).code, ErrorCode::pool_exhausted);
        EXPECT_EQ(number("pool_waiting"), 0);
    }
    for (const char* state : {"idle", "in_use", "connecting"}) EXPECT_EQ(connections(state), 0) << state;
    EXPECT_EQ(number("pool_max_connections"), 0);
}

TEST_F(MetricsTest, a_backend_killed_while_idle_is_a_loss_and_a_reconnect) {
    Database database = open(1);
    kill(database);
    database.query("SELECT 1");
    EXPECT_EQ(number("connections_lost_total{lane=\"exclusive\"}"), 1);
    EXPECT_EQ(number("reconnects_total{lane=\"exclusive\"}"), 1);
    EXPECT_EQ(number("connect_duration_seconds_count{lane=\"exclusive\"}"), 2);
    EXPECT_EQ(number("sent_again_total{reason=\"lost\"}"), 0);  // nothing had been sent
    EXPECT_EQ(connections("idle"), 1);
}

TEST_F(MetricsTest, a_read_whose_backend_was_killed_is_counted_as_sent_again) {
    Database database = open(1);
    const int pid = backend_pid(database);
    std::thread killer([&] {
        std::this_thread::sleep_for(100ms);
        Database other = server.bare();
        end_session(other, pid);
    });
    database.query(Statement("SELECT pg_sleep(0.3)").repeatable());
    killer.join();
    EXPECT_EQ(number("sent_again_total{reason=\"lost\"}"), 1);
    EXPECT_EQ(number("connections_lost_total{lane=\"exclusive\"}"), 1);
    EXPECT_EQ(number("reconnects_total{lane=\"exclusive\"}"), 1);
    EXPECT_EQ(calls("single"), 2);  // the caller called once
    EXPECT_EQ(tracer->spans().size(), 2u);
    EXPECT_FALSE(tracer->last().failed);
}

TEST_F(MetricsTest, a_statement_that_the_server_prepared_for_another_table_is_counted_as_sent_again) {
    Database database = open(1);
    const std::string table = make_table(database);
    const Statement all(Sql("SELECT * FROM " + table));
    database.query(all);
    database.execute(Statement(Sql("ALTER TABLE " + table + " ADD COLUMN m text")));
    EXPECT_EQ(database.query(all).size(), 0u);
    EXPECT_EQ(number("sent_again_total{reason=\"stale\"}"), 1);
    EXPECT_EQ(number("connections_lost_total{lane=\"exclusive\"}"), 0);
}

TEST_F(MetricsTest, a_server_that_cannot_be_reached_is_a_failed_connect) {
    test::Proxy proxy{test::server_dsn()};
    Database database = open(1, proxy.dsn());
    kill(database);
    proxy.refuse(true);
    error_of([&] { database.query("SELECT 1", Deadline::after(200ms)); });
    EXPECT_GE(number("connect_failures_total{lane=\"exclusive\"}"), 1);  // it is tried again until the deadline
    EXPECT_EQ(number("reconnects_total{lane=\"exclusive\"}"), 0);
    EXPECT_EQ(connections("connecting"), 0);
    proxy.refuse(false);
    database.query("SELECT 1");
    EXPECT_EQ(number("reconnects_total{lane=\"exclusive\"}"), 1);
}

TEST_F(MetricsTest, a_commit_in_doubt_is_counted_by_what_became_of_it) {
    test::Proxy proxy{test::server_dsn()};
    Database database = open(8, proxy.dsn());
    const std::string table = make_table(database);
    const Statement insert(Sql("INSERT INTO " + table + " VALUES (1)"));
    const auto doubts = [&](const std::string& resolution) {
        return number("commits_in_doubt_total{resolution=\"" + resolution + "\"}");
    };
    {
        Transaction transaction = database.begin();
        transaction.execute(insert);
        proxy.drop_reply(1);
        transaction.commit();
    }
    EXPECT_EQ(doubts("committed"), 1);
    {
        Transaction transaction = database.begin();
        transaction.execute(insert);
        Database other = server.bare();
        end_session(other, backend_pid(transaction));
        std::this_thread::sleep_for(100ms);
        EXPECT_EQ(error_of([&] { transaction.commit(); }).retry, Retry::transaction);
    }
    EXPECT_EQ(doubts("aborted"), 1);
    EXPECT_EQ(doubts("not_asked"), 0);
    proxy.drop_reply(1);
    EXPECT_TRUE(error_of([&] { database.execute(insert); }).in_doubt);
    EXPECT_EQ(doubts("not_asked"), 1);
    EXPECT_EQ(doubts("undecided"), 0);
    {
        Transaction transaction = database.begin();
        transaction.execute(insert);
        proxy.refuse(true);
        proxy.drop_reply(1);
        EXPECT_EQ(error_of([&] { transaction.commit(Deadline::after(300ms)); }).code, ErrorCode::in_doubt);
    }
    EXPECT_EQ(doubts("undecided"), 1);
    EXPECT_EQ(doubts("not_asked"), 1);
    {
        proxy.refuse(false);
        Transaction reader = database.begin();
        reader.query("SELECT 1");
        proxy.drop_reply(1);
        reader.commit();  // it wrote nothing: nothing to doubt
    }
    EXPECT_EQ(doubts("committed") + doubts("aborted") + doubts("undecided") + doubts("not_asked"), 4);
}

TEST_F(MetricsTest, a_transaction_that_is_run_again_is_counted) {
    Database database = open();
    int runs = 0;
    database.transaction([&](Transaction& transaction) {
        transaction.query("SELECT 1");
        ErrorInfo again;
        again.retry = Retry::transaction;
        if (++runs < 3) throw Error(again);
    });
    EXPECT_EQ(runs, 3);
    EXPECT_EQ(number("transactions_again_total"), 2);
}

TEST_F(MetricsTest, a_tracer_sees_the_callers_span_with_its_attributes_and_the_sqlstate) {
    Database database = open();
    error_of([&] { database.query(Statement("SELECT 1 / $1::int", 0)); });
    test::RecordedSpan span = tracer->last();
    EXPECT_EQ(span.name, "SELECT");
    EXPECT_EQ(span.started_on, std::this_thread::get_id());
    EXPECT_TRUE(span.ended);
    EXPECT_TRUE(span.failed);
    EXPECT_EQ(span.attributes["db.query.text"], "SELECT 1 / $1::int");
    EXPECT_EQ(span.attributes["db.namespace"], "stele_test");
    EXPECT_EQ(span.attributes["server.address"], Dsn::parse(test::server_dsn()).parameters().at("host"));
    EXPECT_EQ(span.attributes["error.type"], "22012");
    EXPECT_EQ(span.attributes["db.response.status_code"], "22012");
    EXPECT_THAT(span.description, testing::Not(testing::HasSubstr("division")));

    Database over_tcp = open(1, test::tcp_dsn());
    over_tcp.query("SELECT 1");
    EXPECT_EQ(tracer->last().attributes["server.port"], Dsn::parse(test::tcp_dsn()).parameters().at("port"));
}

TEST_F(MetricsTest, a_transaction_is_a_span_for_each_of_its_round_trips) {
    Database database = open();
    {
        Transaction transaction = database.begin();
        transaction.query("SELECT 1");
        Savepoint savepoint = transaction.savepoint();
        error_of([&] { savepoint.query("SELECT 1 / 0"); });
        savepoint.rollback();
        transaction.commit();
        Transaction undone = database.begin();
        undone.query("SELECT 2");
    }
    std::vector<std::string> names;
    for (const test::RecordedSpan& span : tracer->spans()) {
        EXPECT_TRUE(span.ended) << span.name;
        names.push_back(span.name);
    }
    EXPECT_EQ(names, (std::vector<std::string>{"SELECT", "SELECT", "BATCH", "COMMIT", "SELECT", "ROLLBACK"}));
}

}  // namespace
}  // namespace stele
