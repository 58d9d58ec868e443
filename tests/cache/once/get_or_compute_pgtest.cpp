// Answers that are computed once, by threads of one process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <future>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

#include "cache/any_cache.hpp"
#include "gate.hpp"
#include "support/eventually.hpp"
#include "support/in_threads.hpp"
#include "support/proxy.hpp"
#include "support/role.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::error_of;
using test::Gate;
using test::On;
using ::testing::HasSubstr;

Computation writes(const std::string& text) {
    return [text](AnswerSink& sink) { sink.write(text); };
}
Computation must_not_run() {
    return [](AnswerSink&) { throw std::logic_error("there is an answer"); };
}

/// PostgreSQL writes it in its own way.
nlohmann::json value_of(const Json& json) {
    return nlohmann::json::parse(json.text());
}

class GetOrCompute : public test::AnyCache {};

INSTANTIATE_TEST_SUITE_P(All, GetOrCompute, ::testing::Values(On::database, On::memory), test::name_of);

TEST_P(GetOrCompute, an_answer_is_computed_stored_and_found_the_next_time) {
    SemanticCache cache = open();
    ComputeOptions options;
    options.metadata = Json::parse(R"({"model":"m-7b"})");
    const ComputedAnswer computed = cache.get_or_compute("Where is it?", "acme", writes("Under Orders."), options);
    EXPECT_EQ(computed.response, "Under Orders.");
    EXPECT_EQ(computed.metadata, options.metadata);
    EXPECT_EQ(computed.source, AnswerSource::computed);
    EXPECT_EQ(computed.kept, Kept::stored);
    EXPECT_FALSE(computed.hit);
    const ComputedAnswer found = cache.get_or_compute("where IS it?", "acme", must_not_run());
    EXPECT_EQ(found.response, "Under Orders.");
    EXPECT_EQ(value_of(found.metadata), value_of(options.metadata));
    EXPECT_EQ(found.source, AnswerSource::stored);
    ASSERT_TRUE(found.hit);
    EXPECT_EQ(found.hit->query, "Where is it?");
    EXPECT_EQ(cache.get("where is it?", "acme")->response, "Under Orders.");
    EXPECT_FALSE(cache.get("where is it?", "other"));
    const CacheStats stats = cache.stats(Scope("acme"));
    EXPECT_EQ(stats.hits_exact, 2);
    EXPECT_EQ(stats.misses, 1);
    EXPECT_EQ(stats.computed, 1);
    EXPECT_EQ(stats.shared, 0);
}

TEST_P(GetOrCompute, a_similar_question_is_answered_and_what_is_computed_answers_similar_ones) {
    SemanticCache cache = open();
    embedder->similar("where can i find it?", "where is it?", 0.95f);
    cache.get_or_compute("Where is it?", {}, writes("Here."));
    EXPECT_EQ(embedder->calls(), 1U) << "what was embedded for the search is not embedded again";
    const ComputedAnswer alike = cache.get_or_compute("Where can I find it?", {}, must_not_run());
    EXPECT_EQ(alike.response, "Here.");
    EXPECT_EQ(alike.hit->layer, HitLayer::semantic);
    ComputeOptions strict;
    strict.similarity_threshold = 0.99f;
    EXPECT_EQ(cache.get_or_compute("Where can I find it?", {}, writes("There."), strict).response, "There.");
    EXPECT_EQ(cache.stats().hits_semantic, 1);
}

TEST_P(GetOrCompute, many_threads_that_ask_the_same_at_once_compute_once) {
    constexpr int kThreads = 12;
    SemanticCache cache = open();
    std::atomic<int> computed{0}, following{0}, shared{0};
    Gate led;
    test::in_threads(kThreads, [&](int i) {
        if (i != 0) led.wait();
        std::atomic<bool> counted{false};
        ComputeOptions options;
        if (i != 0) {
            options.reader = [&](std::string_view) {
                if (!counted.exchange(true)) ++following;
            };
        }
        const ComputedAnswer answer = cache.get_or_compute(
            "question", {},
            [&](AnswerSink& sink) {
                ++computed;
                led.open();
                sink.write("the ");
                EXPECT_TRUE(test::eventually([&] { return following == kThreads - 1; }));
                sink.write("answer");
            },
            options);
        EXPECT_EQ(answer.response, "the answer");
        EXPECT_EQ(answer.kept, Kept::stored);
        EXPECT_EQ(answer.source, i == 0 ? AnswerSource::computed : AnswerSource::shared);
        shared += answer.source == AnswerSource::shared ? 1 : 0;
    });
    EXPECT_EQ(computed, 1);
    EXPECT_EQ(shared, kThreads - 1);
    const CacheStats stats = cache.stats();
    EXPECT_EQ(stats.computed, 1);
    EXPECT_EQ(stats.shared, kThreads - 1);
    EXPECT_EQ(stats.misses, kThreads);
    EXPECT_EQ(stats.entries, 1);
}

TEST_P(GetOrCompute, threads_that_ask_many_questions_at_random_compute_each_once) {
    constexpr int kThreads = 8, kQuestions = 20;
    SemanticCache cache = open(nullptr), other = open(nullptr);
    std::array<std::atomic<int>, kQuestions> computed{};
    test::in_threads(kThreads, [&](int thread) {
        for (int i = 0; i < kQuestions; ++i) {
            const int number = thread % 2 == 0 ? i : kQuestions - 1 - i;
            const ComputedAnswer answer =
                (thread % 3 == 0 ? other : cache)
                    .get_or_compute("question " + std::to_string(number), {}, [&](AnswerSink& sink) {
                        ++computed.at(static_cast<std::size_t>(number));
                        std::this_thread::yield();
                        sink.write(std::to_string(number));
                    });
            EXPECT_EQ(answer.response, std::to_string(number));
            EXPECT_EQ(answer.kept, Kept::stored);
        }
    });
    for (const std::atomic<int>& times : computed) EXPECT_EQ(times, 1);
    EXPECT_EQ(cache.stats().computed + other.stats().computed, kQuestions);
}

TEST_P(GetOrCompute, what_the_computation_throws_reaches_all_who_wait_and_nothing_is_stored) {
    SemanticCache cache = open();
    Gate led;
    ComputeOptions leaders;
    leaders.deadline = Deadline::after(1h);
    auto follower = std::async(std::launch::async, [&] {
        led.wait();
        cache.get_or_compute("question", {}, must_not_run());
    });
    const auto fails = [&](AnswerSink& sink) {
        led.open();
        EXPECT_TRUE(test::eventually([&] { return sink.deadline().is_never(); })) << "nobody follows";
        throw std::runtime_error("the model is down");
    };
    EXPECT_THROW(cache.get_or_compute("question", {}, fails, leaders), std::runtime_error);
    EXPECT_THROW(follower.get(), std::runtime_error);
    EXPECT_FALSE(cache.get("question"));
    EXPECT_EQ(cache.stats().computed, 1);
    EXPECT_EQ(cache.stats().compute_failures, 1);
    EXPECT_EQ(cache.get_or_compute("question", {}, writes("answer")).kept, Kept::stored) << "the claim was released";
}

TEST_P(GetOrCompute, a_computation_that_only_its_caller_cancelled_is_made_by_the_next) {
    SemanticCache cache = open();
    Gate led;
    ComputeOptions leaders;
    leaders.deadline = Deadline::after(1h);
    auto follower = std::async(std::launch::async, [&] {
        led.wait();
        return cache.get_or_compute("question", {}, writes("the follower's"));
    });
    const auto cancelled = [&](AnswerSink& sink) {
        led.open();
        EXPECT_TRUE(test::eventually([&] { return sink.deadline().is_never(); })) << "nobody follows";
        ErrorInfo info;
        info.code = ErrorCode::cancelled;
        throw Error(info);
    };
    EXPECT_EQ(error_of([&] { cache.get_or_compute("question", {}, cancelled, leaders); }).code, ErrorCode::cancelled);
    const ComputedAnswer answer = follower.get();
    EXPECT_EQ(answer.response, "the follower's");
    EXPECT_EQ(answer.source, AnswerSource::computed);
}

TEST_P(GetOrCompute, a_followers_deadline_ends_its_wait_and_not_the_computation) {
    SemanticCache cache = open();
    Gate led, gave_up;
    auto leader = std::async(std::launch::async, [&] {
        return cache.get_or_compute("question", {}, [&](AnswerSink& sink) {
            led.open();
            gave_up.wait();
            sink.write("answer");
        });
    });
    led.wait();
    ComputeOptions hurried;
    hurried.deadline = Deadline::after(30ms);
    const ErrorInfo error = error_of([&] { cache.get_or_compute("question", {}, must_not_run(), hurried); });
    EXPECT_EQ(error.code, ErrorCode::deadline_exceeded);
    gave_up.open();
    EXPECT_EQ(leader.get().kept, Kept::stored);
    EXPECT_EQ(cache.get("question")->response, "answer");
}

TEST_P(GetOrCompute, who_computes_goes_on_after_his_deadline_and_gets_the_answer_as_do_others) {
    SemanticCache cache = open();
    Gate led;
    ComputeOptions hurried;
    hurried.deadline = Deadline::after(2s);
    auto follower = std::async(std::launch::async, [&] {
        led.wait();
        return cache.get_or_compute("question", {}, must_not_run());
    });
    const ComputedAnswer late = cache.get_or_compute(
        "question", {},
        [&](AnswerSink& sink) {
            EXPECT_EQ(sink.deadline(), hurried.deadline);
            led.open();
            EXPECT_TRUE(test::eventually([&] { return sink.deadline().is_never(); })) << "nobody follows";
            EXPECT_TRUE(test::eventually([&] { return hurried.deadline.expired(); }));
            EXPECT_TRUE(sink.wanted()) << "another one waits";
            sink.write("late");
        },
        hurried);
    EXPECT_EQ(late.response, "late");
    EXPECT_EQ(late.kept, Kept::stored);
    EXPECT_EQ(follower.get().response, "late");
}

TEST_P(GetOrCompute, nobody_wants_what_all_have_given_up) {
    SemanticCache cache = open();
    ComputeOptions hurried;
    hurried.deadline = Deadline::after(1s);
    const ComputedAnswer answer = cache.get_or_compute(
        "question", {},
        [&](AnswerSink& sink) {
            EXPECT_TRUE(sink.wanted());
            EXPECT_TRUE(test::eventually([&] { return !sink.wanted(); }));
            sink.write("all the same");
        },
        hurried);
    EXPECT_EQ(answer.kept, Kept::stored) << "what it completes is stored";
    hurried.deadline = Deadline::after(0s);
    EXPECT_EQ(error_of([&] { cache.get_or_compute("another", {}, must_not_run(), hurried); }).code,
              ErrorCode::deadline_exceeded);
}

TEST_P(GetOrCompute, an_answer_that_the_validator_refuses_is_returned_and_not_stored) {
    SemanticCache cache = open();
    const ComputedAnswer answer = cache.get_or_compute("question", {}, writes("[ERROR] no model"));
    EXPECT_EQ(answer.response, "[ERROR] no model");
    EXPECT_EQ(answer.kept, Kept::refused);
    EXPECT_FALSE(cache.get("question"));
    SemanticCacheOptions throwing;
    throwing.validator = [](std::string_view) -> bool { throw std::runtime_error("broken"); };
    SemanticCache strict = open(throwing);
    EXPECT_EQ(strict.get_or_compute("question", {}, writes("answer")).kept, Kept::refused);
    EXPECT_EQ(strict.stats().guard_failures, 1);
}

TEST_P(GetOrCompute, the_computation_may_say_how_its_answer_is_kept) {
    SemanticCacheOptions options;
    options.default_ttl = 10h;
    SemanticCache cache = open(options);
    const ComputedAnswer unwanted = cache.get_or_compute("secret", {}, [](AnswerSink& sink) {
        sink.write("s");
        sink.do_not_store();
    });
    EXPECT_EQ(unwanted.kept, Kept::unwanted);
    EXPECT_FALSE(cache.get("secret"));
    const ComputedAnswer answer = cache.get_or_compute("question", {}, [](AnswerSink& sink) {
        sink.write("a");
        sink.ttl(60s);
        sink.metadata(Json::parse(R"({"tokens":7})"));
    });
    EXPECT_EQ(answer.metadata, Json::parse(R"({"tokens":7})"));
    const std::vector<CacheEntry> entries = cache.list();
    ASSERT_EQ(entries.size(), 1U);
    EXPECT_EQ(entries[0].ttl, 60s);
    EXPECT_EQ(value_of(entries[0].metadata), value_of(answer.metadata));
    const auto bad = [](AnswerSink& sink) { sink.ttl(0s); };
    EXPECT_EQ(error_of([&] { cache.get_or_compute("other", {}, bad); }).code, ErrorCode::invalid_argument);
}

TEST_P(GetOrCompute, an_answer_that_is_too_long_or_no_text_fails_the_computation) {
    SemanticCacheOptions options;
    options.max_response_bytes = 10;
    SemanticCache cache = open(options);
    const auto endless = [](AnswerSink& sink) {
        for (;;) sink.write("piece ");
    };
    const ErrorInfo error = error_of([&] { cache.get_or_compute("question", {}, endless); });
    EXPECT_EQ(error.code, ErrorCode::limit_exceeded);
    EXPECT_THAT(error.message, HasSubstr("max_response_bytes"));
    EXPECT_EQ(error_of([&] { cache.get_or_compute("question", {}, writes("\xFF")); }).code,
              ErrorCode::invalid_argument);
    EXPECT_EQ(cache.get_or_compute("question", {}, writes("short")).kept, Kept::stored);
}

TEST_P(GetOrCompute, what_it_is_given_is_checked_before_anything_runs) {
    SemanticCache cache = open();
    const auto refused = [&](const ComputeOptions& options) {
        return error_of([&] { cache.get_or_compute("question", {}, must_not_run(), options); }).code;
    };
    ComputeOptions options;
    options.lease = 99ms;
    EXPECT_EQ(refused(options), ErrorCode::invalid_argument);
    options = {};
    options.metadata = Json::parse("[]");
    EXPECT_EQ(refused(options), ErrorCode::invalid_argument);
    options = {};
    options.ttl = 0s;
    EXPECT_EQ(refused(options), ErrorCode::invalid_argument);
    options = {};
    options.serve_stale = -1s;
    EXPECT_EQ(refused(options), ErrorCode::invalid_argument);
    options = {};
    options.similarity_threshold = 2.0f;
    EXPECT_EQ(refused(options), ErrorCode::invalid_argument);
    EXPECT_EQ(error_of([&] { cache.get_or_compute("question", {}, Computation()); }).code, ErrorCode::invalid_argument);
    EXPECT_EQ(error_of([&] { cache.get_or_compute(std::string(40'000, 'q'), {}, must_not_run()); }).code,
              ErrorCode::limit_exceeded);
    SemanticCacheOptions jitter;
    jitter.ttl_jitter = 1.0f;
    EXPECT_EQ(error_of([&] { open(jitter); }).code, ErrorCode::invalid_argument);
}

TEST_P(GetOrCompute, a_computation_that_asks_for_its_own_answer_is_told_so) {
    SemanticCache cache = open();
    const auto itself = [&](AnswerSink&) { cache.get_or_compute("question", {}, must_not_run()); };
    const ErrorInfo error = error_of([&] { cache.get_or_compute("question", {}, itself); });
    EXPECT_EQ(error.code, ErrorCode::invalid_argument);
    const auto another = [&](AnswerSink& sink) {
        sink.write(cache.get_or_compute("part", {}, writes("inner")).response);
    };
    EXPECT_EQ(cache.get_or_compute("question", {}, another).response, "inner");
}

TEST_P(GetOrCompute, lifetimes_are_shortened_by_jitter) {
    SemanticCacheOptions options;
    options.ttl_jitter = 0.5f;
    options.default_ttl = 10'000s;
    SemanticCache cache = open(options);
    for (int i = 0; i < 20; ++i) cache.put("question " + std::to_string(i), "answer");
    std::set<std::chrono::seconds> lifetimes;
    for (const CacheEntry& entry : cache.list()) lifetimes.insert(entry.ttl.value());
    EXPECT_GT(lifetimes.size(), 10U);
    EXPECT_GT(*lifetimes.begin(), 4'999s);
    EXPECT_LE(*lifetimes.rbegin(), 10'000s);
}

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
    const ErrorInfo error = error_of([&] { inside.get_or_compute("question", {}, must_not_run()); });
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
