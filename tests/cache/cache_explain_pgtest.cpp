// Why a question was answered, or not: on a database and in memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cache/any_cache.hpp"
#include "stele/semantic_cache.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::On;

class CacheExplain : public test::AnyCache {
protected:
    static std::vector<CandidateFate> fates(const Explanation& explanation) {
        std::vector<CandidateFate> all;
        for (const ExplainedCandidate& one : explanation.candidates) all.push_back(one.fate);
        return all;
    }
};

INSTANTIATE_TEST_SUITE_P(Cache, CacheExplain, ::testing::Values(On::database, On::memory), test::name_of);

TEST_P(CacheExplain, every_miss_has_its_reason) {
    SemanticCache cache = open({.similarity_threshold = 0.8f});
    EXPECT_EQ(cache.look_up("asked").miss, MissReason::no_match);
    embedder->similar("near", "asked", 0.7f);
    embedder->similar("short-lived", "late", 0.9f);
    cache.put("near", "answer");
    EXPECT_EQ(cache.look_up("asked").miss, MissReason::below_threshold);
    EXPECT_EQ(cache.look_up("asked", {}, {.bypass = true}).miss, MissReason::bypass);
    EXPECT_EQ(cache.look_up("asked", {}, {.embedding = std::vector<float>(3, 1.0f)}).miss, MissReason::dim_mismatch);
    embedder->fail(1);
    EXPECT_EQ(cache.look_up("asked").miss, MissReason::embedder_failure);
    cache.put("short-lived", "answer", {}, {.ttl = 10s});
    pass(10s);
    EXPECT_EQ(cache.look_up("short-lived").miss, MissReason::expired);
    EXPECT_EQ(cache.look_up("late").miss, MissReason::expired);
    EXPECT_EQ(open(nullptr).look_up("asked").miss, MissReason::no_match);
    embedder->cut_beyond(5);
    EXPECT_EQ(cache.look_up("a question that is too long").miss, MissReason::truncated);
    const Lookup found = cache.look_up("near");
    EXPECT_TRUE(found.hit);
    EXPECT_FALSE(found.miss);
}

TEST_P(CacheExplain, shows_the_candidates_best_first_with_what_became_of_them) {
    SemanticCache cache = open({.similarity_threshold = 0.8f, .guards = {number_guard()}});
    embedder->similar("keep 4 days", "keep 3 days", 0.98f);
    embedder->similar("gone", "keep 3 days", 0.96f);
    embedder->similar("keep three days", "keep 3 days", 0.94f);
    embedder->similar("keep it 3 days", "keep 3 days", 0.9f);
    embedder->similar("far", "keep 3 days", 0.3f);
    cache.put("keep 4 days", "four");
    cache.put("gone", "gone", {}, {.ttl = 10s});
    pass(10s);
    cache.put("keep three days", "three");
    cache.put("keep it 3 days", "whole");
    cache.put("far", "far");
    const Explanation why = cache.explain("keep 3 days");
    ASSERT_TRUE(why.result.hit);
    EXPECT_EQ(why.result.hit->response, "three");
    EXPECT_EQ(why.result.hit->layer, HitLayer::semantic);
    EXPECT_FALSE(why.result.miss);
    EXPECT_EQ(why.threshold, 0.8f);
    using enum CandidateFate;
    EXPECT_THAT(fates(why), ::testing::ElementsAre(refused, expired, served, outranked, below_threshold));
    EXPECT_EQ(why.candidates[0].entry.query, "keep 4 days");
    EXPECT_EQ(why.candidates[0].refused_by, "numbers");
    EXPECT_EQ(why.candidates[0].refusal->kind, RefusalKind::number);
    EXPECT_EQ(why.candidates[0].refusal->text, "asked for 3 days, stored for 4 days");
    EXPECT_NEAR(why.candidates[4].entry.similarity, 0.3f, 1e-3f);
    EXPECT_EQ(cache.get("keep 3 days")->id, why.result.hit->id);
}

TEST_P(CacheExplain, counts_nothing_and_shows_as_many_as_wanted) {
    SemanticCache cache = open();
    for (int i = 0; i < 20; ++i) {
        embedder->similar("stored " + std::to_string(i), "asked", 0.99f - 0.01f * static_cast<float>(i));
        cache.put("stored " + std::to_string(i), "answer");
    }
    EXPECT_EQ(cache.explain("asked", {}, {}, 3).candidates.size(), 3u);
    EXPECT_EQ(cache.explain("asked", {}, {}, 20).candidates.size(), 20u);
    const Explanation exact = cache.explain("STORED 3");
    EXPECT_EQ(exact.result.hit->layer, HitLayer::exact);
    EXPECT_TRUE(exact.candidates.empty());
    EXPECT_FALSE(exact.threshold);
    EXPECT_EQ(cache.explain("x", {}, {.bypass = true}).result.miss, MissReason::bypass);
    const CacheStats stats = cache.stats();
    EXPECT_EQ(stats.hits_exact + stats.hits_semantic + stats.misses, 0);
}

TEST_P(CacheExplain, a_served_candidate_is_shown_even_if_many_before_it_were_refused) {
    const auto refuse_stored = [](const GuardedPair& pair) -> std::optional<Refusal> {
        if (pair.stored == "good") return std::nullopt;
        return Refusal{};
    };
    SemanticCache cache = open({.guards = {{"own", refuse_stored}}});
    for (int i = 0; i < 12; ++i) {
        embedder->similar("stored " + std::to_string(i), "asked", 0.97f);
        cache.put("stored " + std::to_string(i), "answer");
    }
    embedder->similar("good", "asked", 0.9f);
    cache.put("good", "the answer");
    const Explanation why = cache.explain("asked", {}, {}, 2);
    EXPECT_EQ(why.result.hit->response, "the answer");
    ASSERT_EQ(why.candidates.size(), 3u);
    EXPECT_EQ(why.candidates.back().fate, CandidateFate::served);
    EXPECT_EQ(cache.get("asked")->response, "the answer");
}

class CacheExplainTest : public ::testing::Test {
protected:
    test::Server server;
    Database database = server.open();
    std::shared_ptr<testing::FakeEmbedder> embedder = std::make_shared<testing::FakeEmbedder>();
};

TEST_F(CacheExplainTest, works_in_a_transaction_as_it_sees_the_cache) {
    embedder->similar("inside", "asked", 0.95f);
    SemanticCache cache(database, embedder, {.mneme_compatible = true});
    Transaction transaction = database.begin();
    SemanticCache within = cache.in(transaction);
    EXPECT_EQ(within.explain("asked").result.miss, MissReason::no_match);
    within.put("inside", "[ERROR]");
    const Explanation why = within.explain("asked");
    ASSERT_EQ(why.candidates.size(), 1u);
    EXPECT_EQ(why.candidates[0].refused_by, "validator");
    EXPECT_EQ(cache.explain("asked").result.miss, MissReason::no_match);
    EXPECT_EQ(within.look_up("asked").miss, MissReason::refused_by_guard);
    EXPECT_FALSE(within.remove("inside"));  // the validator's refusal removed it
    transaction.rollback();
}

TEST_F(CacheExplainTest, mneme_105_an_embedder_that_fails_is_logged) {
    std::vector<std::string> logged;
    DatabaseOptions options = server.options();
    options.log = [&logged](LogLevel level, std::string_view message) {
        if (level == LogLevel::warning) logged.emplace_back(message);
    };
    SemanticCache cache(Database::open(options), embedder);
    embedder->fail(1);
    EXPECT_EQ(cache.look_up("asked").miss, MissReason::embedder_failure);
    EXPECT_THAT(logged, ::testing::Contains(::testing::HasSubstr("Embedder failed")));
}

}  // namespace
}  // namespace stele
