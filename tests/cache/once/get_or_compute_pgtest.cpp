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
#include "cache/given.hpp"
#include "gate.hpp"
#include "stele/publications.hpp"
#include "support/eventually.hpp"
#include "support/in_threads.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::error_of;
using test::Gate;
using test::On;
using test::writes;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Computation must_not_run() {
    return [](AnswerSink&) { throw std::logic_error("there is an answer"); };
}

/// PostgreSQL writes it in its own way.
nlohmann::json value_of(const Json& json) {
    return nlohmann::json::parse(json.text());
}

class GetOrCompute : public test::AnyCache {
protected:
    /// Asks when somebody leads, and computes `otherwise` if it may.
    static std::future<ComputedAnswer> follow(SemanticCache& cache, Gate& led, Computation otherwise) {
        return std::async(std::launch::async, [&cache, &led, otherwise = std::move(otherwise)] {
            led.wait();
            return cache.get_or_compute("question", {}, otherwise);
        });
    }
    /// Computes until the other follows, and then fails.
    template <class Thrown>
    static void lead_and_fail(SemanticCache& cache, Gate& led, const Thrown& thrown) {
        ComputeOptions patient;
        patient.deadline = Deadline::after(1h);
        const auto fails = [&](AnswerSink& sink) {
            led.open();
            EXPECT_TRUE(test::eventually([&] { return sink.deadline().is_never(); })) << "nobody follows";
            throw thrown;
        };
        cache.get_or_compute("question", {}, fails, patient);
    }
};

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
    auto follower = follow(cache, led, must_not_run());
    EXPECT_THROW(lead_and_fail(cache, led, std::runtime_error("the model is down")), std::runtime_error);
    EXPECT_THROW(follower.get(), std::runtime_error);
    EXPECT_FALSE(cache.get("question"));
    EXPECT_EQ(cache.stats().computed, 1);
    EXPECT_EQ(cache.stats().compute_failures, 1);
    EXPECT_EQ(cache.get_or_compute("question", {}, writes("answer")).kept, Kept::stored) << "the claim was released";
}

TEST_P(GetOrCompute, a_computation_that_only_its_caller_cancelled_is_made_by_the_next) {
    SemanticCache cache = open();
    Gate led;
    auto follower = follow(cache, led, writes("the follower's"));
    ErrorInfo cancelled;
    cancelled.code = ErrorCode::cancelled;
    EXPECT_EQ(error_of([&] { lead_and_fail(cache, led, Error(cancelled)); }).code, ErrorCode::cancelled);
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
    auto follower = follow(cache, led, must_not_run());
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

TEST_P(GetOrCompute, the_computation_may_add_tags_and_what_its_answer_is_made_from) {
    Publications publications = database ? Publications(*database) : Publications(memory);
    SemanticCache cache = open();
    ComputeOptions options;
    options.tags = {"faq"};
    options.depends_on = {{"model", "m-7b", "1"}};
    const auto searches = [](AnswerSink& sink) {
        sink.depends_on({{"document", "terms", "7"}, {"document", "prices", "2"}});
        sink.write("Yes.");
        sink.depends_on({{"document", "terms", "7"}});
        sink.tag("returns");
        sink.tag("faq");
    };
    EXPECT_EQ(cache.get_or_compute("question", {}, searches, options).kept, Kept::stored);
    const CacheEntry entry = cache.list()[0];
    EXPECT_THAT(entry.tags, ElementsAre("faq", "returns"));
    EXPECT_THAT(entry.depends_on, ElementsAre(Dependency("document", "prices", "2"),
                                              Dependency("document", "terms", "7"), Dependency("model", "m-7b", "1")));
    EXPECT_EQ(cache.get_or_compute("question", {}, must_not_run()).response, "Yes.");
    publications.publish("document", "prices", "3");
    EXPECT_EQ(cache.get_or_compute("question", {}, writes("No.")).response, "No.") << "it is outdated";

    const auto nameless = [](AnswerSink& sink) { sink.tag(""); };
    EXPECT_EQ(error_of([&] { cache.get_or_compute("other", {}, nameless); }).code, ErrorCode::invalid_argument);
    const auto too_many = [](AnswerSink& sink) {
        for (int i = 0; i < 100; ++i) sink.depends_on({{"document", std::to_string(i), "1"}});
    };
    EXPECT_EQ(error_of([&] { cache.get_or_compute("other", {}, too_many, options); }).code, ErrorCode::limit_exceeded)
        << "those of the options count, too";
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

}  // namespace
}  // namespace stele
