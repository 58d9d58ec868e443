// What a cache tells a hook, on a database and in memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "cache/any_cache.hpp"
#include "stele/prometheus.hpp"
#include "support/scrape.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::On;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class CacheEventsTest : public test::AnyCache {
protected:
    CacheEventHook hook() {
        return [this](const CacheEvent& event) {
            std::string line(to_string(event.kind));
            line += " " + std::string(event.name_space);
            if (event.hit != nullptr) line += " " + std::string(to_string(event.hit->layer));
            if (!event.reason.empty()) line += " " + std::string(event.reason);
            if (event.count != 1) line += " " + std::to_string(event.count);
            told.push_back(line);
        };
    }
    std::vector<std::string> take() { return std::exchange(told, {}); }

    std::vector<std::string> told;
};

INSTANTIATE_TEST_SUITE_P(Cache, CacheEventsTest, ::testing::Values(On::database, On::memory), test::name_of);

TEST_P(CacheEventsTest, mneme_106_107_134_each_get_is_one_hit_or_miss_and_what_expired_is_told_before) {
    embedder->similar("paraphrase", "question", 0.95f);
    SemanticCache cache = open({.on_event = hook()});
    cache.put("question", "answer", {}, {.ttl = 60s});
    EXPECT_THAT(take(), ElementsAre("put default"));
    cache.get("question");
    cache.get("paraphrase");
    cache.get("unknown", "acme");
    cache.get("question", {}, {.bypass = true});
    EXPECT_THAT(take(),
                ElementsAre("hit default exact", "hit default semantic", "miss acme no_match", "miss default bypass"));
    embedder->fail(1);
    cache.get("unknown");
    EXPECT_THAT(take(), ElementsAre("miss default embedder_failure"));
    pass(60s);
    cache.get("question");
    EXPECT_THAT(take(), ElementsAre("expired default", "miss default expired"));
}

TEST_P(CacheEventsTest, a_computation_is_told_when_it_has_ended_before_the_miss_that_it_was_for) {
    SemanticCache cache = open({.on_event = hook()});
    const auto write = [](AnswerSink& sink) { sink.write("answer"); };
    cache.get_or_compute("question", "acme", write);
    EXPECT_THAT(take(), ElementsAre("put acme", "computed acme stored", "miss acme no_match"));
    cache.get_or_compute("question", "acme", write);
    EXPECT_THAT(take(), ElementsAre(::testing::StartsWith("hit acme ")));
    EXPECT_THROW(cache.get_or_compute("another", "acme", [](AnswerSink&) { throw std::runtime_error("no model"); }),
                 std::runtime_error);
    EXPECT_THAT(take(), ElementsAre("computed acme error"));
}

TEST_P(CacheEventsTest, what_goes_is_told_with_its_number_and_nothing_is_told_of_nothing) {
    SemanticCache cache = open({.max_entries = 20, .on_event = hook()});
    for (int i = 0; i < 20; ++i) cache.put("q" + std::to_string(i), "r", {}, {.ttl = 60s});
    take();
    cache.put("one more", "r", "acme");
    EXPECT_THAT(take(), ElementsAre("put acme", "eviction default 3"));
    EXPECT_TRUE(cache.remove("q19"));
    EXPECT_FALSE(cache.remove("q19"));
    EXPECT_EQ(cache.vacuum(), 0U);
    EXPECT_THAT(take(), ElementsAre("removed default"));
    pass(60s);
    EXPECT_EQ(cache.vacuum(), 16U);
    EXPECT_THAT(take(), ElementsAre("expired default 16"));
    cache.clear("nobody");
    EXPECT_THAT(take(), IsEmpty());
    cache.clear_all();
    EXPECT_THAT(take(), ElementsAre("removed acme"));
}

TEST_P(CacheEventsTest, mneme_134_a_hook_that_throws_changes_nothing_and_can_be_changed) {
    int calls = 0;
    SemanticCache cache = open({.on_event = [&calls](const CacheEvent&) {
        ++calls;
        throw std::runtime_error("no");
    }});
    cache.put("question", "answer");
    EXPECT_TRUE(cache.get("question"));
    EXPECT_EQ(calls, 2);
    EXPECT_EQ(cache.stats().hits_exact, 1);
    cache.on_event(hook());
    cache.get("question");
    EXPECT_EQ(calls, 2);
    EXPECT_EQ(take().size(), 1U);
    cache.on_event({});
    cache.get("question");
    EXPECT_THAT(take(), IsEmpty());
}

TEST_P(CacheEventsTest, a_hook_may_call_the_cache) {
    std::int64_t misses = 0;
    SemanticCache cache = open();
    cache.on_event([&](const CacheEvent& event) {
        if (event.kind == CacheEvent::Kind::miss) misses = cache.stats().misses;
    });
    cache.get("unknown");
    EXPECT_EQ(misses, 1) << "it has been counted by then";
}

TEST_P(CacheEventsTest, mneme_135_prometheus_counts_two_exact_hits) {
    const auto metrics = std::make_shared<PrometheusMetrics>();
    const CacheMetrics counted(metrics, {.prefix = "mneme"});
    SemanticCache cache = open({.on_event = counted});
    cache.put("question", "answer", Scope("acme").with("model", "m"));
    cache.get("question", Scope("acme").with("model", "m"));
    cache.get("question", Scope("acme").with("model", "m"));
    counted.update_gauges(cache.stats());
    const test::Scrape scrape(*metrics);
    EXPECT_EQ(scrape[R"(mneme_hits_total{layer="exact",namespace="acme"})"], 2);
    EXPECT_EQ(scrape[R"(mneme_hit_similarity_count{namespace="acme"})"], 2);
    EXPECT_EQ(scrape[R"(mneme_entries{namespace="_total"})"], 1);
    EXPECT_EQ(scrape[R"(mneme_memory_bytes{namespace="_total"})"], static_cast<double>(cache.stats().bytes));
}

TEST(CacheEventsInTransactions, are_told_after_the_commit_and_not_after_a_rollback) {
    test::Server server;
    Database database = server.open();
    std::vector<std::string> told;
    SemanticCacheOptions options;
    options.on_event = [&](const CacheEvent& event) { told.emplace_back(to_string(event.kind)); };
    SemanticCache cache(database, nullptr, options);
    for (const bool commit : {false, true}) {
        Transaction transaction = database.begin();
        SemanticCache inside = cache.in(transaction);
        inside.put("question", "answer");
        inside.get("question");
        EXPECT_THAT(told, IsEmpty());
        if (commit) transaction.commit();
    }
    EXPECT_THAT(told, ElementsAre("put", "hit"));
}

}  // namespace
}  // namespace stele
