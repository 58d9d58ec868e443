#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stele/prometheus.hpp"
#include "stele/semantic_cache.hpp"
#include "support/scrape.hpp"

namespace stele {
namespace {

using Kind = CacheEvent::Kind;

Hit semantic(float similarity, std::chrono::seconds age) {
    Hit hit;
    hit.layer = HitLayer::semantic;
    hit.similarity = similarity;
    hit.age = age;
    return hit;
}

class CacheMetricsTest : public ::testing::Test {
protected:
    std::shared_ptr<PrometheusMetrics> prometheus = std::make_shared<PrometheusMetrics>();
};

TEST_F(CacheMetricsTest, mneme_135_events_are_counted_by_label) {
    const CacheMetrics metrics(prometheus, {.prefix = "mneme"});
    const Hit hit = semantic(0.9f, std::chrono::seconds(600));
    metrics({.kind = Kind::hit, .name_space = "acme", .hit = &hit});
    metrics({.kind = Kind::miss, .name_space = "acme", .reason = "bypass"});
    metrics({.kind = Kind::eviction, .name_space = "acme", .count = 7});
    metrics({.kind = Kind::expired, .name_space = "acme", .count = 2});
    metrics({.kind = Kind::put, .name_space = "acme"});
    const test::Scrape scrape(*prometheus);
    EXPECT_EQ(scrape[R"(mneme_hits_total{layer="semantic",namespace="acme"})"], 1);
    EXPECT_EQ(scrape[R"(mneme_misses_total{reason="bypass",namespace="acme"})"], 1);
    EXPECT_EQ(scrape[R"(mneme_evictions_total{namespace="acme"})"], 7);
    EXPECT_EQ(scrape[R"(mneme_expirations_total{namespace="acme"})"], 2);
    EXPECT_EQ(scrape[R"(mneme_hit_age_seconds_bucket{namespace="acme",le="600"})"], 1);
    EXPECT_EQ(scrape[R"(mneme_hit_age_seconds_bucket{namespace="acme",le="60"})"], 0);
    EXPECT_THAT(scrape.types(),
                ::testing::ElementsAre("mneme_evictions_total counter", "mneme_expirations_total counter",
                                       "mneme_hit_age_seconds histogram", "mneme_hit_similarity histogram",
                                       "mneme_hits_total counter", "mneme_misses_total counter"));
}

TEST_F(CacheMetricsTest, computations_are_counted_by_what_became_of_the_answer) {
    const CacheMetrics metrics(prometheus);
    metrics({.kind = Kind::computed, .name_space = "acme", .reason = "stored"});
    metrics({.kind = Kind::computed, .name_space = "acme", .reason = "error"});
    metrics({.kind = Kind::shared, .name_space = "acme"});
    const test::Scrape scrape(*prometheus);
    EXPECT_EQ(scrape[R"(stele_cache_computations_total{result="stored",namespace="acme"})"], 1);
    EXPECT_EQ(scrape[R"(stele_cache_computations_total{result="error",namespace="acme"})"], 1);
    EXPECT_EQ(scrape[R"(stele_cache_shared_answers_total{namespace="acme"})"], 1);
}

TEST_F(CacheMetricsTest, mneme_135_the_buckets_are_mnemes) {
    const CacheMetrics metrics(prometheus, {.prefix = "mneme"});
    const Hit hit = semantic(1.0f, std::chrono::seconds(0));
    metrics({.kind = Kind::hit, .name_space = "a", .hit = &hit});
    const std::string text = prometheus->text();
    for (const char* bound : {"0.5", "0.7", "0.85", "0.9", "0.95", "0.99", "1", "+Inf"}) {
        EXPECT_THAT(text,
                    ::testing::HasSubstr(std::string(R"(mneme_hit_similarity_bucket{namespace="a",le=")") + bound));
    }
    for (const char* bound : {"60", "600", "3600", "86400", "604800", "+Inf"}) {
        EXPECT_THAT(text,
                    ::testing::HasSubstr(std::string(R"(mneme_hit_age_seconds_bucket{namespace="a",le=")") + bound));
    }
}

TEST_F(CacheMetricsTest, mneme_135_136_gauges_say_what_was_last_told_and_the_prefix_is_steles_unless_chosen) {
    const CacheMetrics metrics(prometheus);
    CacheStats stats;
    stats.entries = 3;
    stats.bytes = 5000;
    metrics.update_gauges(stats);
    stats.entries = 2;
    metrics.update_gauges(stats);
    metrics.update_gauges(stats, "acme");
    const test::Scrape scrape(*prometheus);
    EXPECT_EQ(scrape[R"(stele_cache_entries{namespace="_total"})"], 2);
    EXPECT_EQ(scrape[R"(stele_cache_entries{namespace="acme"})"], 2);
    EXPECT_EQ(scrape[R"(stele_cache_memory_bytes{namespace="_total"})"], 5000);
}

TEST_F(CacheMetricsTest, tenants_are_one_series_each_whatever_the_attributes_and_are_bounded) {
    const CacheMetrics metrics(prometheus, {.max_tenants = 2});
    const std::string with_attributes = Scope("acme").with("model", "m").stored_namespace();
    for (const std::string& name : {std::string("acme"), with_attributes, std::string("b"), std::string("c"),
                                    std::string("d"), std::string("acme")}) {
        metrics({.kind = Kind::eviction, .name_space = name});
    }
    const test::Scrape scrape(*prometheus);
    EXPECT_EQ(scrape.values().size(), 3U);
    EXPECT_EQ(scrape[R"(stele_cache_evictions_total{namespace="acme"})"], 3);
    EXPECT_EQ(scrape[R"(stele_cache_evictions_total{namespace="_other"})"], 2);
}

TEST_F(CacheMetricsTest, needs_something_that_collects) {
    EXPECT_THROW(CacheMetrics(nullptr), Error);
}

}  // namespace
}  // namespace stele
