// Old answers that are served while new ones are computed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "cache/any_cache.hpp"
#include "cache/given.hpp"
#include "gate.hpp"
#include "support/eventually.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::error_of;
using test::Gate;
using test::On;
using test::writes;

class Stale : public test::AnyCache {
protected:
    using Tasks = std::vector<std::function<void()>>;

    /// Renewals are run when the test does.
    SemanticCacheOptions renewing(Tasks& tasks) {
        SemanticCacheOptions options;
        options.default_ttl = 100s;
        options.serve_stale = 60s;
        options.background = [&tasks](std::function<void()> task) { tasks.push_back(std::move(task)); };
        return options;
    }
};

INSTANTIATE_TEST_SUITE_P(All, Stale, ::testing::Values(On::database, On::memory), test::name_of);

TEST_P(Stale, an_old_answer_is_served_and_renewed_once_in_the_background) {
    Tasks tasks;
    SemanticCache cache = open(renewing(tasks));
    cache.get_or_compute("question", {}, writes("old"));
    pass(130s);
    EXPECT_FALSE(cache.get("question")) << "only get_or_compute serves it";
    for (int i = 0; i < 3; ++i) {
        const ComputedAnswer answer = cache.get_or_compute("question", {}, writes("new"));
        EXPECT_EQ(answer.response, "old");
        EXPECT_EQ(answer.source, AnswerSource::stored);
        ASSERT_TRUE(answer.hit);
        EXPECT_TRUE(answer.hit->stale);
        EXPECT_GE(answer.hit->age, 130s);
    }
    ASSERT_EQ(tasks.size(), 1U);
    tasks[0]();
    const ComputedAnswer renewed = cache.get_or_compute("question", {}, writes("newer"));
    EXPECT_EQ(renewed.response, "new");
    EXPECT_FALSE(renewed.hit->stale);
    const CacheStats stats = cache.stats();
    EXPECT_EQ(stats.served_stale, 3);
    EXPECT_EQ(stats.computed, 2);
    EXPECT_EQ(stats.hits_exact, 4);
    EXPECT_EQ(stats.misses, 2);
    EXPECT_EQ(tasks.size(), 1U);
}

TEST_P(Stale, what_is_too_old_is_computed_while_the_caller_waits) {
    Tasks tasks;
    SemanticCache cache = open(renewing(tasks));
    cache.get_or_compute("question", {}, writes("old"));
    pass(161s);
    const ComputedAnswer answer = cache.get_or_compute("question", {}, writes("new"));
    EXPECT_EQ(answer.response, "new");
    EXPECT_EQ(answer.source, AnswerSource::computed);
    EXPECT_TRUE(tasks.empty());
}

TEST_P(Stale, of_two_caches_that_plan_it_one_renews) {
    Tasks tasks;
    SemanticCache cache = open(renewing(tasks)), other = open(renewing(tasks));
    cache.get_or_compute("question", {}, writes("old"));
    pass(130s);
    EXPECT_EQ(cache.get_or_compute("question", {}, writes("new")).response, "old");
    EXPECT_EQ(other.get_or_compute("question", {}, writes("newer")).response, "old");
    ASSERT_EQ(tasks.size(), 2U);
    tasks[0]();
    tasks[1]();
    EXPECT_EQ(cache.stats().computed, 2);
    EXPECT_EQ(other.stats().computed, 0);
    if (database) test::settle(*database);
    EXPECT_EQ(other.get_or_compute("question", {}, writes("newest")).response, "new");
}

TEST_P(Stale, a_renewal_that_fails_or_is_never_run_is_planned_again) {
    Tasks tasks;
    SemanticCache cache = open(renewing(tasks));
    cache.get_or_compute("question", {}, writes("old"));
    pass(130s);
    const auto fails = [](AnswerSink&) { throw std::runtime_error("no model"); };
    EXPECT_EQ(cache.get_or_compute("question", {}, fails).response, "old");
    ASSERT_EQ(tasks.size(), 1U);
    tasks[0]();
    tasks.clear();
    EXPECT_EQ(cache.stats().compute_failures, 1);
    EXPECT_EQ(cache.get_or_compute("question", {}, writes("new")).response, "old");
    ASSERT_EQ(tasks.size(), 1U);
    tasks.clear();
    EXPECT_EQ(cache.get_or_compute("question", {}, writes("new")).response, "old");
    ASSERT_EQ(tasks.size(), 1U);
    tasks[0]();
    EXPECT_EQ(cache.get("question")->response, "new");
}

TEST_P(Stale, vacuum_spares_what_may_still_be_served) {
    Tasks tasks;
    SemanticCache cache = open(renewing(tasks)), plain = open();
    cache.get_or_compute("question", {}, writes("old"));
    pass(130s);
    EXPECT_EQ(cache.vacuum(), 0U);
    EXPECT_EQ(cache.get_or_compute("question", {}, writes("new")).response, "old");
    pass(31s);
    EXPECT_EQ(cache.vacuum(), 1U);
    cache.put("question", "again", {}, {.ttl = 100s});
    pass(130s);
    EXPECT_EQ(plain.vacuum(), 1U) << "a cache without the option spares nothing";
    tasks.clear();
}

TEST_P(Stale, an_old_answer_stands_in_for_a_computation_that_fails) {
    SemanticCacheOptions options;
    options.default_ttl = 100s;
    SemanticCache cache = open(options);
    cache.get_or_compute("question", {}, writes("old"));
    pass(130s);
    ComputeOptions lenient;
    lenient.stale_if_error = 60s;
    const auto fails = [](AnswerSink&) { throw std::runtime_error("no model"); };
    const ComputedAnswer answer = cache.get_or_compute("question", {}, fails, lenient);
    EXPECT_EQ(answer.response, "old");
    EXPECT_TRUE(answer.hit->stale);
    EXPECT_EQ(cache.stats().compute_failures, 1);
    EXPECT_EQ(cache.stats().served_stale, 1);
    const auto half = [](AnswerSink& sink) {
        sink.write("half");
        throw std::runtime_error("no model");
    };
    EXPECT_THROW(cache.get_or_compute("question", {}, half, lenient), std::runtime_error)
        << "somebody may have read the half";
    pass(31s);
    EXPECT_THROW(cache.get_or_compute("question", {}, fails, lenient), std::runtime_error);
}

TEST_P(Stale, threads_of_the_caches_own_renew_and_close_waits_for_them) {
    SemanticCacheOptions options;
    options.default_ttl = 100s;
    options.serve_stale = 60s;
    SemanticCache cache = open(options);
    cache.get_or_compute("question", {}, writes("old"));
    pass(130s);
    Gate begun;
    std::atomic<bool> over{false};
    const auto patient = [&](AnswerSink& sink) {
        begun.open();
        EXPECT_TRUE(test::eventually([&] { return !sink.wanted(); })) << "nobody says that the cache is closed";
        sink.write("new");
        over = true;
    };
    EXPECT_EQ(cache.get_or_compute("question", {}, patient).response, "old");
    begun.wait();
    cache.close();
    EXPECT_TRUE(over);
    SemanticCache again = open(options);
    EXPECT_EQ(again.get("question")->response, "new");
}

TEST_P(Stale, who_asks_when_it_is_too_old_meanwhile_waits_for_the_renewal) {
    Tasks tasks;
    SemanticCache cache = open(renewing(tasks));
    cache.get_or_compute("question", {}, writes("old"));
    pass(130s);
    EXPECT_EQ(cache.get_or_compute("question", {}, writes("new")).response, "old");
    pass(31s);
    ComputeOptions hurried;
    hurried.deadline = Deadline::after(20ms);
    EXPECT_EQ(error_of([&] { cache.get_or_compute("question", {}, writes("mine"), hurried); }).code,
              ErrorCode::deadline_exceeded);
    ASSERT_EQ(tasks.size(), 1U);
    tasks[0]();
    EXPECT_EQ(cache.get_or_compute("question", {}, writes("mine")).response, "new");
}

}  // namespace
}  // namespace stele
