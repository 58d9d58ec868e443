// What stands between a similar question and its answer, on a database and in memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <limits>

#include "cache/any_cache.hpp"
#include "stele/semantic_cache.hpp"
#include "support/in_threads.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::error_of;
using test::On;
using ::testing::HasSubstr;

class CacheGuards : public test::AnyCache {
protected:
    /// Two stored questions that resemble "asked", the first more.
    void put_two(SemanticCache& cache, std::string_view best = "the best answer") {
        embedder->similar("best", "asked", 0.95f);
        embedder->similar("second", "asked", 0.9f);
        cache.put("best", best, {}, {.metadata = Json::parse(R"({"a": 1})")});
        cache.put("second", "the second answer");
    }
    static Guard refusing(const std::string& stored) {
        return {"own", [stored](const GuardedPair& pair) -> std::optional<Refusal> {
                    if (pair.stored != stored) return std::nullopt;
                    return Refusal{.text = "it is " + stored};
                }};
    }
};

INSTANTIATE_TEST_SUITE_P(Cache, CacheGuards, ::testing::Values(On::database, On::memory), test::name_of);

TEST_P(CacheGuards, a_refused_candidate_is_passed_over_and_stays_stored) {
    SemanticCache cache = open({.guards = {refusing("best")}});
    put_two(cache);
    EXPECT_EQ(cache.get("asked")->response, "the second answer");
    EXPECT_EQ(cache.get("best")->response, "the best answer");
    EXPECT_EQ(cache.stats().entries, 2);
}

TEST_P(CacheGuards, a_miss_says_that_guards_refused_all_and_is_counted) {
    SemanticCache cache = open({.guards = {refusing("best"), refusing("second")}});
    put_two(cache);
    const Lookup lookup = cache.look_up("asked");
    EXPECT_FALSE(lookup.hit);
    EXPECT_EQ(lookup.miss, MissReason::refused_by_guard);
    EXPECT_EQ(cache.stats().refused, 1);
    EXPECT_EQ(cache.stats().misses, 1);
}

TEST_P(CacheGuards, a_guard_sees_the_pair_as_written_and_as_compared_and_exact_hits_are_not_its_business) {
    std::atomic<int> calls{0};
    SemanticCache cache = open({.guards = {{"own", [&](const GuardedPair& pair) -> std::optional<Refusal> {
                                                ++calls;
                                                EXPECT_EQ(pair.asked, "  ASKED ");
                                                EXPECT_EQ(pair.asked_key, "asked");
                                                EXPECT_EQ(pair.stored, "Best");
                                                EXPECT_EQ(pair.stored_key, "best");
                                                EXPECT_EQ(pair.response, "answer");
                                                EXPECT_EQ(pair.metadata.text(), R"({"a": 1})");
                                                EXPECT_NEAR(pair.similarity, 0.95f, 1e-3f);
                                                EXPECT_GE(pair.age, 100s);
                                                EXPECT_LT(pair.confidence, pair.similarity);
                                                return std::nullopt;
                                            }}}});
    embedder->similar("best", "asked", 0.95f);
    cache.put("Best", "answer", {}, {.metadata = Json::parse(R"({"a": 1})")});
    pass(1h);
    EXPECT_TRUE(cache.get("  ASKED "));
    EXPECT_EQ(calls, 1);
    EXPECT_TRUE(cache.get("best"));
    EXPECT_EQ(calls, 1);
}

TEST_P(CacheGuards, a_guard_that_throws_refuses_and_is_counted) {
    SemanticCache cache = open({.guards = {{"own", [](const GuardedPair& pair) -> std::optional<Refusal> {
                                                if (pair.stored == "best") throw std::runtime_error("no dictionary");
                                                return std::nullopt;
                                            }}}});
    put_two(cache);
    EXPECT_EQ(cache.get("asked")->response, "the second answer");
    EXPECT_EQ(cache.get("asked")->response, "the second answer");
    EXPECT_EQ(cache.stats().guard_failures, 2);
    const Explanation why = cache.explain("asked");
    ASSERT_EQ(why.candidates.size(), 2u);
    EXPECT_EQ(why.candidates[0].refused_by, "own");
    EXPECT_EQ(why.candidates[0].refusal->kind, RefusalKind::failed);
    EXPECT_THAT(why.candidates[0].refusal->text, HasSubstr("no dictionary"));
}

TEST_P(CacheGuards, a_guard_may_use_the_cache) {
    std::optional<SemanticCache> cache;
    const Guard guard{"own", [&cache](const GuardedPair& pair) -> std::optional<Refusal> {
                          if (cache->get("not this", {}, {.bypass = true})) return Refusal{};
                          if (cache->get(pair.stored)) return std::nullopt;
                          return Refusal{};
                      }};
    cache.emplace(open({.guards = {guard}}));
    put_two(*cache);
    EXPECT_EQ(cache->get("asked")->response, "the best answer");
}

TEST_P(CacheGuards, guards_are_asked_by_many_threads_at_once) {
    SemanticCache cache = open({.guards = text_guards()});
    embedder->similar("keep 4 days", "keep 3 days", 0.95f);
    embedder->similar("keep three days", "keep 3 days", 0.9f);
    cache.put("keep 4 days", "four");
    cache.put("keep three days", "three");
    test::in_threads(4, [&](int) {
        for (int i = 0; i < 20; ++i) EXPECT_EQ(cache.get("keep 3 days")->response, "three");
    });
}

TEST_P(CacheGuards, a_guard_without_a_check_and_a_confidence_that_is_no_number_are_refused) {
    EXPECT_EQ(error_of([&] { open({.guards = {{"empty", {}}}}); }).code, ErrorCode::invalid_argument);
    EXPECT_EQ(error_of([&] { open({.min_confidence = std::numeric_limits<float>::quiet_NaN()}); }).code,
              ErrorCode::invalid_argument);
}

TEST_P(CacheGuards, mneme_084_an_error_marked_answer_is_still_served_by_an_exact_hit) {
    for (const bool mneme : {false, true}) {
        SemanticCache cache = open({.mneme_compatible = mneme});
        cache.put("best", "[LLM Error] out of tokens");
        EXPECT_EQ(cache.get("BEST")->response, "[LLM Error] out of tokens");
    }
}

TEST_P(CacheGuards, mneme_085_an_answer_that_the_validator_rejects_is_not_served_by_meaning) {
    SemanticCache cache = open({.mneme_compatible = true});
    embedder->similar("best", "asked", 0.95f);
    cache.put("best", "[ERROR] busy");
    EXPECT_EQ(cache.look_up("asked").miss, MissReason::refused_by_guard);
    SemanticCache own = open({.validator = [](std::string_view response) { return response.size() > 20; }});
    embedder->similar("other", "short", 0.95f);
    own.put("short", "short answer");
    EXPECT_FALSE(own.get("other"));
    EXPECT_TRUE(open({.validator = {}}).get("other"));
}

TEST_P(CacheGuards, mneme_086_in_the_compatible_mode_a_rejected_candidate_is_removed) {
    SemanticCache cache = open({.mneme_compatible = true});
    put_two(cache, "  ");
    EXPECT_EQ(cache.get("asked")->response, "the second answer");
    EXPECT_FALSE(cache.remove("best"));
    EXPECT_TRUE(cache.remove("second"));
}

TEST_P(CacheGuards, otherwise_and_in_an_explanation_a_rejected_candidate_stays) {
    SemanticCache cache = open();
    put_two(cache, "  ");
    EXPECT_EQ(cache.get("asked")->response, "the second answer");
    EXPECT_EQ(open({.mneme_compatible = true}).explain("asked").candidates[0].refusal->kind, RefusalKind::invalid);
    EXPECT_TRUE(cache.remove("best"));
}

TEST_P(CacheGuards, mended_an_entry_that_got_another_answer_meanwhile_is_not_removed) {
    SemanticCache* other = nullptr;
    SemanticCache cache = open({.validator =
                                    [&other](std::string_view response) {
                                        if (valid_response(response)) return true;
                                        if (other != nullptr) other->put("best", "a good answer");
                                        return false;
                                    },
                                .mneme_compatible = true});
    SemanticCache writer = open();
    other = &writer;
    put_two(cache, "[ERROR]");
    EXPECT_EQ(cache.get("asked")->response, "the second answer");
    EXPECT_EQ(cache.get("best")->response, "a good answer");
}

TEST_P(CacheGuards, mneme_087_a_confidence_below_the_minimum_is_not_served_by_meaning) {
    const auto half = [](float, std::chrono::seconds, const Json&) { return 0.5f; };
    SemanticCache cache = open({.confidence = half, .mneme_compatible = true});
    put_two(cache);
    EXPECT_EQ(cache.look_up("asked").miss, MissReason::refused_by_guard);
    EXPECT_EQ(cache.get("best")->confidence, 0.5f);  // of an exact hit it is only told
    EXPECT_EQ(open({.confidence = half}).get("asked")->confidence, 0.5f);
    EXPECT_FALSE(open({.confidence = half, .min_confidence = 0.6f}).get("asked"));
    EXPECT_TRUE(open({.confidence = half, .min_confidence = 0.5f}).get("asked"));
}

TEST_P(CacheGuards, mended_the_hidden_cutoff_of_confidence_is_an_option_that_only_the_compatible_mode_sets) {
    SemanticCache cache = open({.min_confidence = std::nullopt}), as_mneme = open({.mneme_compatible = true});
    put_two(cache);
    EXPECT_TRUE(as_mneme.get("asked"));
    pass(24h);
    EXPECT_NEAR(cache.get("asked")->confidence, 0.475f, 1e-3f);
    EXPECT_FALSE(as_mneme.get("asked"));
    EXPECT_TRUE(open({.min_confidence = 0.3f, .mneme_compatible = true}).get("asked"));
}

TEST_P(CacheGuards, a_confidence_or_a_validator_that_throws_refuses_what_was_found_by_meaning) {
    const auto throwing = [](float, std::chrono::seconds, const Json&) -> float { throw std::runtime_error("oops"); };
    SemanticCache cache = open({.confidence = throwing});
    put_two(cache);
    EXPECT_FALSE(cache.get("asked"));
    EXPECT_EQ(cache.get("best")->confidence, 0.0f);
    EXPECT_GE(cache.stats().guard_failures, 3);
    SemanticCache other = open({.validator = [](std::string_view) -> bool { throw 7; }, .mneme_compatible = true});
    EXPECT_FALSE(other.get("asked"));
    EXPECT_EQ(cache.stats().entries, 2);
}

TEST_P(CacheGuards, mneme_098_the_threshold_can_be_set_and_what_is_no_cosine_is_refused) {
    SemanticCache cache = open({.similarity_threshold = 0.97f});
    put_two(cache);
    EXPECT_FALSE(cache.get("asked"));
    const float infinity = std::numeric_limits<float>::infinity();
    for (const float bad : {-1.5f, 1.5f, 100.0f, infinity, -infinity, std::numeric_limits<float>::quiet_NaN()}) {
        EXPECT_EQ(error_of([&] { cache.set_similarity_threshold(bad); }).code, ErrorCode::invalid_argument) << bad;
    }
    EXPECT_EQ(cache.similarity_threshold(), 0.97f);
    cache.set_similarity_threshold(0.9f);
    EXPECT_EQ(cache.get("asked")->response, "the best answer");
    cache.close();
    EXPECT_EQ(cache.similarity_threshold(), 0.9f);
    EXPECT_EQ(error_of([&] { cache.set_similarity_threshold(0.5f); }).code, ErrorCode::closed);
}

TEST_P(CacheGuards, the_compatible_mode_has_mnemes_threshold_unless_another_is_given) {
    EXPECT_EQ(open({.mneme_compatible = true}).similarity_threshold(), 0.85f);
    EXPECT_EQ(open({.similarity_threshold = 0.5f, .mneme_compatible = true}).similarity_threshold(), 0.5f);
    EXPECT_FALSE(open().similarity_threshold());
}

}  // namespace
}  // namespace stele
