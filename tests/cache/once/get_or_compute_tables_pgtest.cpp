// Answers that are computed once, on tables: claims, outages, rights.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>

#include "cache/given.hpp"
#include "stele/semantic_cache.hpp"
#include "support/eventually.hpp"
#include "support/proxy.hpp"
#include "support/role.hpp"
#include "support/server.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::error_of;
using test::writes;
using ::testing::HasSubstr;

class GetOrComputeOnTables : public ::testing::Test {
protected:
    void execute(const std::string& sql) { database.execute(Statement(Sql(sql))); }

    test::Server server;
    Database database = server.open();
    SemanticCache cache{database, nullptr};
};

TEST_F(GetOrComputeOnTables, inside_a_transaction_it_is_refused) {
    Transaction transaction = database.begin();
    SemanticCache inside = cache.in(transaction);
    const ErrorInfo error = error_of([&] { inside.get_or_compute("question", {}, writes("never")); });
    EXPECT_EQ(error.code, ErrorCode::invalid_argument);
    EXPECT_THAT(error.message, HasSubstr("Compute outside"));
}

TEST_F(GetOrComputeOnTables, what_another_has_taken_over_is_returned_and_not_stored) {
    const ComputedAnswer answer = cache.get_or_compute("question", {}, [&](AnswerSink& sink) {
        execute("UPDATE " + server.schema() + ".stele_computations SET token = gen_random_uuid()");
        sink.write("too late");
    });
    EXPECT_EQ(answer.response, "too late");
    EXPECT_EQ(answer.kept, Kept::replaced);
    EXPECT_FALSE(cache.get("question"));
    execute("DELETE FROM " + server.schema() + ".stele_computations");
    EXPECT_EQ(cache.get_or_compute("question", {}, writes("in time")).kept, Kept::stored);
}

TEST_F(GetOrComputeOnTables, a_claim_is_renewed_while_it_is_computed) {
    ComputeOptions options;
    options.lease = 300ms;
    const std::string end =
        "SELECT extract(epoch FROM lease_end)::float8 FROM " + server.schema() + ".stele_computations";
    const auto lease_end = [&] { return database.query(Statement(Sql(end)))[0].get<double>(0); };
    const ComputedAnswer answer = cache.get_or_compute(
        "question", {},
        [&](AnswerSink& sink) {
            const double first = lease_end();
            EXPECT_TRUE(test::eventually([&] { return lease_end() > first + 0.5; }));
            sink.write("answer");
        },
        options);
    EXPECT_EQ(answer.kept, Kept::stored);
    EXPECT_EQ(database.query(Statement(Sql(end))).size(), 0U) << "what is stored is computed by nobody";
}

TEST_F(GetOrComputeOnTables, sessions_that_end_while_it_is_computed_lose_nothing) {
    DatabaseOptions options = server.options();
    options.dsn += options.dsn.find("://") != std::string::npos ? "&application_name=computing_" + server.schema()
                                                                : " application_name=computing_" + server.schema();
    SemanticCache computing(Database::open(options), nullptr);
    ComputeOptions hurried;
    hurried.lease = 300ms;
    const ComputedAnswer answer = computing.get_or_compute(
        "question", {},
        [&](AnswerSink& sink) {
            const std::string sessions =
                "FROM pg_stat_activity WHERE application_name = 'computing_" + server.schema() + "'";
            const Rows ended = database.query(Statement(Sql("SELECT pg_terminate_backend(pid, 10000) " + sessions)));
            EXPECT_GT(ended.size(), 0U);
            // the lease is renewed through a new one
            EXPECT_TRUE(
                test::eventually([&] { return !database.query(Statement(Sql("SELECT " + sessions))).empty(); }));
            sink.write("answer");
        },
        hurried);
    EXPECT_EQ(answer.response, "answer");
    EXPECT_EQ(answer.kept, Kept::stored);
    EXPECT_EQ(cache.get("question")->response, "answer");
}

TEST_F(GetOrComputeOnTables, without_the_store_it_is_computed_and_returned) {
    test::Proxy proxy{test::server_dsn()};
    DatabaseOptions options = server.options(proxy.dsn());
    options.max_connections = 1;
    std::atomic<int> warnings{0};
    options.log = [&](LogLevel level, std::string_view) { warnings += level == LogLevel::warning ? 1 : 0; };
    SemanticCache away(Database::open(options), nullptr);
    away.get_or_compute("known", {}, writes("before"));
    proxy.refuse(true);
    proxy.cut_all();
    ComputeOptions impatient;
    impatient.store_patience = 200ms;
    const ComputedAnswer answer = away.get_or_compute("question", {}, writes("answer"), impatient);
    EXPECT_EQ(answer.response, "answer");
    EXPECT_EQ(answer.kept, Kept::failed);
    EXPECT_GT(warnings, 0);
    proxy.refuse(false);
    ASSERT_TRUE(test::eventually([&] { return away.get("known").has_value(); }));
    EXPECT_FALSE(away.get("question"));
    EXPECT_GE(away.stats().unavailable, 1);

    // gone only when it is to be stored
    const ComputedAnswer late = away.get_or_compute(
        "late", {},
        [&](AnswerSink& sink) {
            proxy.refuse(true);
            proxy.cut_all();
            sink.write("answer");
        },
        impatient);
    EXPECT_EQ(late.response, "answer");
    EXPECT_EQ(late.kept, Kept::failed);
    proxy.refuse(false);
    ASSERT_TRUE(test::eventually([&] { return away.get("known").has_value(); }));
}

TEST_F(GetOrComputeOnTables, a_role_that_may_only_read_and_write_data_computes_too) {
    test::Role role(database, server.schema() + "_app");
    role.execute("GRANT USAGE ON SCHEMA " + server.schema() + " TO " + role.name());
    role.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA " + server.schema() + " TO " +
                 role.name());
    role.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA " + server.schema() + " TO " + role.name());
    DatabaseOptions options = role.assumed(server.options());
    options.migrate = false;
    SemanticCache limited(Database::open(options), nullptr);
    EXPECT_EQ(limited.get_or_compute("question", {}, writes("answer")).kept, Kept::stored);
    EXPECT_EQ(cache.get("question")->response, "answer");
}

TEST_F(GetOrComputeOnTables, vacuum_forgets_claims_that_ended_long_ago) {
    const std::string table = server.schema() + ".stele_computations";
    execute("INSERT INTO " + table +
            " VALUES ('n', 'old', gen_random_uuid(), now() - interval '2 days'),"
            " ('n', 'new', gen_random_uuid(), now() - interval '1 hour')");
    cache.vacuum();
    const Rows rows = database.query(Statement(Sql("SELECT query_hash FROM " + table)));
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].get<std::string>(0), "new");
}

}  // namespace
}  // namespace stele
