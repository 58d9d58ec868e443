#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "postgres/observer.hpp"
#include "support/recording_tracer.hpp"
#include "support/scrape.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::Scrape;
using Attributes = std::map<std::string, std::string>;

ErrorInfo error_of_code(ErrorCode code) {
    ErrorInfo error;
    error.code = code;
    return error;
}

struct Observed {
    explicit Observed(Attributes server = {}) : observer(metrics, tracer, Dsn::of(std::move(server))) {}
    /// Runs a call and gives its span.
    test::RecordedSpan span_of(std::vector<Statement> statements) const {
        observer.call(Observer::kind_of(statements), statements, [] {});
        return tracer->last();
    }
    Scrape scrape() const { return Scrape(*metrics); }

    std::shared_ptr<PrometheusMetrics> metrics = std::make_shared<PrometheusMetrics>();
    std::shared_ptr<test::RecordingTracer> tracer = std::make_shared<test::RecordingTracer>();
    Observer observer;
};

// A name is a promise to dashboards and alerts. Change it here, in docs/observability.md and in the changelog.
const std::vector<std::string> kNames = {
    "stele_postgres_call_duration_seconds histogram",
    "stele_postgres_call_errors_total counter",
    "stele_postgres_change_hints_total counter",
    "stele_postgres_change_looks_total counter",
    "stele_postgres_change_staleness_seconds histogram",
    "stele_postgres_commits_in_doubt_total counter",
    "stele_postgres_connect_duration_seconds histogram",
    "stele_postgres_connect_failures_total counter",
    "stele_postgres_connections_lost_total counter",
    "stele_postgres_pool_connections gauge",
    "stele_postgres_pool_max_connections gauge",
    "stele_postgres_pool_waiting gauge",
    "stele_postgres_queue_duration_seconds histogram",
    "stele_postgres_reconnects_total counter",
    "stele_postgres_round_trip_duration_seconds histogram",
    "stele_postgres_round_trip_statements histogram",
    "stele_postgres_sent_again_total counter",
    "stele_postgres_transactions_again_total counter",
};

TEST(MetricNames, are_those_of_the_golden_list) {
    EXPECT_EQ(Observed().scrape().types(), kNames);
}

TEST(MetricNames, stand_in_the_documentation_with_every_value_of_their_labels) {
    std::ifstream file(STELE_DOCS "/observability.md");
    std::stringstream text;
    text << file.rdbuf();
    for (const std::string& name : kNames) {
        EXPECT_THAT(text.str(), testing::HasSubstr("| `" + name.substr(0, name.find(' ')) + "` | " +
                                                   name.substr(name.find(' ') + 1)));
    }
    std::set<std::string> values;
    for (const auto& [series, number] : Observed().scrape().values()) {
        const std::size_t begin = series.find("=\"");
        if (begin == std::string::npos || series.find("{le=") != std::string::npos) continue;
        values.insert(series.substr(begin + 2, series.find('"', begin + 2) - begin - 2));
    }
    // kinds, the lanes that are no kinds, codes, states, reasons, the resolutions that are no reasons, results,
    // directions
    EXPECT_EQ(values.size(), 9u + 1u + 26u + 3u + 3u + 3u + 3u + 2u);
    for (const std::string& value : values) EXPECT_THAT(text.str(), testing::HasSubstr("`" + value + "`"));
}

TEST(Observer, that_looks_nowhere_reads_no_clock_and_takes_every_event) {
    const Observer& observer = Observer::nobody();
    EXPECT_EQ(observer.now(), Observer::Time());
    EXPECT_FALSE(observer.measures());
    observer.queued(Lane::read, observer.now());
    observer.round_trip(Lane::read, 2, observer.now());
    observer.again(Observer::Again::lost);
    observer.connected(Lane::none, observer.now(), true);
    observer.connect_failed(Lane::none);
    observer.connection_lost(Lane::none);
    observer.pool({}, {});
    observer.in_doubt(Observer::Doubt::committed);
    observer.transaction_again();
    observer.looked(Observer::Looked::followed);
    observer.staleness(1s);
    observer.hint(Observer::Hint::sent);
    EXPECT_EQ(observer.call(Observer::Kind::single, {}, [] { return 5; }), 5);
    Observer::Call(observer, Observer::Kind::single, {}).succeeded();
}

TEST(Observer, tells_every_event_to_the_series_of_its_lane) {
    const Observed one;
    const Observer& observer = one.observer;
    const Observer::Time since = observer.now() - 1s;
    observer.queued(Lane::read, since);
    observer.round_trip(Lane::slow_read, 5, since);
    observer.again(Observer::Again::aborted, 3);
    observer.again(Observer::Again::aborted, 0);
    observer.connected(Lane::write, since, true);
    observer.connected(Lane::none, since, false);
    observer.connect_failed(Lane::read);
    observer.connection_lost(Lane::slow_read);
    observer.in_doubt(Observer::Doubt::undecided);
    observer.transaction_again();
    observer.looked(Observer::Looked::reloaded);
    observer.staleness(50ms);
    observer.hint(Observer::Hint::received);
    const Scrape scrape = one.scrape();
    EXPECT_EQ(scrape["stele_postgres_queue_duration_seconds_count{lane=\"read\"}"], 1);
    EXPECT_NEAR(scrape["stele_postgres_queue_duration_seconds_sum{lane=\"read\"}"], 1, 0.5);
    EXPECT_EQ(scrape["stele_postgres_round_trip_duration_seconds_count{lane=\"slow_read\"}"], 1);
    EXPECT_EQ(scrape["stele_postgres_round_trip_statements_sum{lane=\"slow_read\"}"], 5);
    EXPECT_EQ(scrape["stele_postgres_sent_again_total{reason=\"aborted\"}"], 3);
    EXPECT_EQ(scrape["stele_postgres_connect_duration_seconds_count{lane=\"write\"}"], 1);
    EXPECT_EQ(scrape["stele_postgres_connect_duration_seconds_count{lane=\"exclusive\"}"], 1);
    EXPECT_EQ(scrape["stele_postgres_reconnects_total{lane=\"write\"}"], 1);
    EXPECT_EQ(scrape["stele_postgres_reconnects_total{lane=\"exclusive\"}"], 0);
    EXPECT_EQ(scrape["stele_postgres_connect_failures_total{lane=\"read\"}"], 1);
    EXPECT_EQ(scrape["stele_postgres_connections_lost_total{lane=\"slow_read\"}"], 1);
    EXPECT_EQ(scrape["stele_postgres_commits_in_doubt_total{resolution=\"undecided\"}"], 1);
    EXPECT_EQ(scrape["stele_postgres_transactions_again_total"], 1);
    EXPECT_EQ(scrape["stele_postgres_change_looks_total{result=\"reloaded\"}"], 1);
    EXPECT_EQ(scrape["stele_postgres_change_staleness_seconds_sum"], 0.05);
    EXPECT_EQ(scrape["stele_postgres_change_hints_total{direction=\"received\"}"], 1);
    EXPECT_EQ(scrape["stele_postgres_change_hints_total{direction=\"sent\"}"], 0);
}

TEST(Observer, adds_up_the_pools_of_databases_that_share_their_metrics) {
    const auto metrics = std::make_shared<PrometheusMetrics>();
    const Observer first(metrics, nullptr, Dsn::of({})), second(metrics, nullptr, Dsn::of({}));
    const PoolStatus busy{.idle = 1, .in_use = 2, .connecting = 1, .waiting = 5, .maximum = 4};
    first.pool({}, busy);
    second.pool({}, {.idle = 3, .in_use = 0, .connecting = 0, .waiting = 0, .maximum = 8});
    const Scrape both(*metrics);
    EXPECT_EQ(both["stele_postgres_pool_connections{state=\"idle\"}"], 4);
    EXPECT_EQ(both["stele_postgres_pool_connections{state=\"in_use\"}"], 2);
    EXPECT_EQ(both["stele_postgres_pool_connections{state=\"connecting\"}"], 1);
    EXPECT_EQ(both["stele_postgres_pool_waiting"], 5);
    EXPECT_EQ(both["stele_postgres_pool_max_connections"], 12);
    first.pool(busy, {});
    EXPECT_EQ(Scrape(*metrics)["stele_postgres_pool_max_connections"], 8);
    EXPECT_EQ(Scrape(*metrics)["stele_postgres_pool_waiting"], 0);
}

TEST(Observer, counts_a_call_by_its_kind_and_its_error_by_its_code) {
    const Observed one;
    const std::vector<Statement> read{Statement("SELECT 1").read()}, write{Statement("SELECT 1").group_commit("k")},
        slow{Statement("SELECT 1").slow_read()}, single{Statement("SELECT 1")}, batch{"SELECT 1", "SELECT 2"};
    for (const auto& statements : {read, write, slow, single, batch}) {
        one.observer.call(Observer::kind_of(statements), statements, [] {});
    }
    EXPECT_THROW(one.observer.call(Observer::Kind::single, single,
                                   [] { throw Error(error_of_code(ErrorCode::deadline_exceeded)); }),
                 Error);
    EXPECT_THROW(one.observer.call(Observer::Kind::single, single, [] { throw std::bad_alloc(); }), std::bad_alloc);
    const Scrape scrape = one.scrape();
    for (const char* kind : {"read", "write", "slow_read", "batch"}) {
        EXPECT_EQ(scrape["stele_postgres_call_duration_seconds_count{kind=\"" + std::string(kind) + "\"}"], 1) << kind;
    }
    EXPECT_EQ(scrape["stele_postgres_call_duration_seconds_count{kind=\"single\"}"], 3);
    EXPECT_EQ(scrape["stele_postgres_call_errors_total{code=\"deadline_exceeded\"}"], 1);
    EXPECT_EQ(scrape["stele_postgres_call_errors_total{code=\"internal\"}"], 1);
    EXPECT_EQ(scrape["stele_postgres_commits_in_doubt_total{resolution=\"not_asked\"}"], 0);
}

TEST(Observer, counts_a_write_in_doubt_unless_it_is_a_commit_that_counts_itself) {
    const Observed one;
    ErrorInfo error;
    error.in_doubt = true;
    Observer::Call(one.observer, Observer::Kind::commit, {}).failed(error);
    EXPECT_EQ(one.scrape()["stele_postgres_commits_in_doubt_total{resolution=\"not_asked\"}"], 0);
    const std::vector<Statement> write{"INSERT"};
    Observer::Call(one.observer, Observer::Kind::single, write).failed(error);
    EXPECT_EQ(one.scrape()["stele_postgres_commits_in_doubt_total{resolution=\"not_asked\"}"], 1);
}

TEST(Observer, a_call_that_was_moved_ends_once_and_one_that_nobody_ended_has_failed) {
    const Observed one;
    const std::vector<Statement> statements{"SELECT 1"};
    {
        Observer::Call first(one.observer, Observer::Kind::single, statements);
        Observer::Call second(std::move(first));
        second.succeeded();
    }
    EXPECT_EQ(one.scrape()["stele_postgres_call_duration_seconds_count{kind=\"single\"}"], 1);
    EXPECT_EQ(one.scrape()["stele_postgres_call_errors_total{code=\"internal\"}"], 0);
    EXPECT_FALSE(one.tracer->last().failed);
    {
        const Observer::Call forgotten(one.observer, Observer::Kind::single, statements);
    }
    EXPECT_EQ(one.scrape()["stele_postgres_call_errors_total{code=\"internal\"}"], 1);
    EXPECT_TRUE(one.tracer->last().failed);
    EXPECT_EQ(one.tracer->last().attributes["error.type"], "internal");
}

TEST(Observer, a_span_carries_the_names_of_opentelemetrys_conventions) {
    const Observed one(
        Attributes{{"host", "db.example"}, {"port", "6432"}, {"dbname", "shop"}, {"password", "secret"}});
    const test::RecordedSpan span = one.span_of({Statement("SELECT $1::text", "private")});
    EXPECT_EQ(span.name, "SELECT");
    EXPECT_EQ(span.attributes, (Attributes{{"db.system.name", "postgresql"},
                                           {"db.operation.name", "SELECT"},
                                           {"db.query.text", "SELECT $1::text"},
                                           {"db.namespace", "shop"},
                                           {"server.address", "db.example"},
                                           {"server.port", "6432"}}));
    EXPECT_EQ(span.started_on, std::this_thread::get_id());
    EXPECT_TRUE(span.ended);
    EXPECT_FALSE(span.failed);
}

TEST(Observer, a_span_names_only_a_server_that_is_known_beforehand) {
    const Observed several(Attributes{{"host", "a,b"}, {"port", "1,2"}});
    EXPECT_FALSE(several.span_of({"SELECT 1"}).attributes.contains("server.address"));
    EXPECT_FALSE(several.span_of({"SELECT 1"}).attributes.contains("server.port"));
    const Observed socket(Attributes{{"host", "/run/postgresql"}, {"port", "5433"}});
    EXPECT_EQ(socket.span_of({"SELECT 1"}).attributes["server.address"], "/run/postgresql");
    EXPECT_FALSE(socket.span_of({"SELECT 1"}).attributes.contains("server.port"));
    const Observed address(Attributes{{"hostaddr", "10.0.0.1"}});
    EXPECT_EQ(address.span_of({"SELECT 1"}).attributes["server.address"], "10.0.0.1");
    EXPECT_EQ(address.span_of({"SELECT 1"}).attributes["server.port"], "5432");
    EXPECT_FALSE(Observed().span_of({"SELECT 1"}).attributes.contains("server.address"));
}

TEST(Observer, a_span_of_a_batch_has_its_size_and_the_texts_once) {
    const Observed one;
    const test::RecordedSpan same = one.span_of({Statement("INSERT $1", 1), Statement("INSERT $1", 2)});
    EXPECT_EQ(same.name, "BATCH INSERT");
    EXPECT_EQ(same.attributes.at("db.query.text"), "INSERT $1");
    EXPECT_EQ(same.attributes.at("db.operation.batch.size"), "2");
    const test::RecordedSpan mixed = one.span_of({"INSERT 1", "UPDATE 2", "UPDATE 3"});
    EXPECT_EQ(mixed.name, "BATCH");
    EXPECT_EQ(mixed.attributes.at("db.query.text"), "INSERT 1; UPDATE 2; UPDATE 3");
    EXPECT_EQ(mixed.attributes.at("db.operation.batch.size"), "3");
    EXPECT_FALSE(one.span_of({"SELECT 1"}).attributes.contains("db.operation.batch.size"));
}

TEST(Observer, an_operation_is_the_first_word_behind_blanks_and_comments) {
    const Observed one;
    for (const auto& [sql, operation] : {std::pair{"select 1", "SELECT"},
                                         {" \n\t(SELECT 1) UNION SELECT 2", "SELECT"},
                                         {"-- drop it\n-- all\nDELETE FROM t", "DELETE"},
                                         {"/* a -- b */ /**/Insert INTO t", "INSERT"},
                                         {"WITH x AS (SELECT 1) SELECT", "WITH"},
                                         {"", "QUERY"},
                                         {"  ", "QUERY"},
                                         {"-- nothing else", "QUERY"},
                                         {"/* open", "QUERY"},
                                         {"/*", "QUERY"},
                                         {"--", "QUERY"},
                                         {"'text'", "QUERY"}}) {
        EXPECT_EQ(one.span_of({Statement(Sql(std::string(sql)))}).name, operation) << sql;
    }
}

TEST(Observer, a_failed_span_has_the_sqlstate_or_else_the_code_and_no_word_of_the_server) {
    const Observed one;
    const std::vector<Statement> statements{"SELECT 1"};
    ErrorInfo error;
    error.code = ErrorCode::constraint_violation;
    error.message = "ours";
    error.sqlstate = "23505";
    error.server_message = "Key (email)=(private) already exists";
    Observer::Call(one.observer, Observer::Kind::single, statements).failed(error);
    test::RecordedSpan span = one.tracer->last();
    EXPECT_TRUE(span.failed);
    EXPECT_EQ(span.description, "ours");
    EXPECT_EQ(span.attributes["error.type"], "23505");
    EXPECT_EQ(span.attributes["db.response.status_code"], "23505");

    error = error_of_code(ErrorCode::pool_exhausted);
    Observer::Call(one.observer, Observer::Kind::single, statements).failed(error);
    span = one.tracer->last();
    EXPECT_EQ(span.attributes["error.type"], "pool_exhausted");
    EXPECT_FALSE(span.attributes.contains("db.response.status_code"));
}

TEST(Observer, a_tracer_may_leave_a_call_out_and_need_not_come_with_metrics) {
    const auto tracer = std::make_shared<test::RecordingTracer>();
    const Observer observer(nullptr, tracer, Dsn::of({}));
    EXPECT_EQ(observer.now(), Observer::Time());
    const std::vector<Statement> statements{"SELECT 1"};
    tracer->tracing = false;
    observer.call(Observer::Kind::single, statements, [] {});
    EXPECT_TRUE(tracer->spans().empty());
    tracer->tracing = true;
    observer.call(Observer::Kind::commit, {}, [] {});
    EXPECT_EQ(tracer->last().name, "COMMIT");
    observer.call(Observer::Kind::rollback, {}, [] {});
    EXPECT_EQ(tracer->last().name, "ROLLBACK");
    EXPECT_EQ(tracer->last().attributes.at("db.query.text"), "ROLLBACK");
}

}  // namespace
}  // namespace stele
