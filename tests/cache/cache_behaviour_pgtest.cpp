// What a cache does, on a database and in memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "cache/any_cache.hpp"
#include "stele/semantic_cache.hpp"
#include "support/in_threads.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::error_of;
using test::On;
using testing::FakeEmbedder;
using testing::FakeEmbedderOptions;

class CacheBehaviour : public test::AnyCache {};

INSTANTIATE_TEST_SUITE_P(Cache, CacheBehaviour, ::testing::Values(On::database, On::memory), test::name_of);

TEST_P(CacheBehaviour, mneme_019_020_070_what_was_put_is_found_exactly_with_similarity_one) {
    SemanticCache cache = open();
    cache.put("How do I reset it?", "press", {}, {.metadata = Json::parse(R"({"tokens": 7})")});
    const std::optional<Hit> hit = cache.get("How do I reset it?");
    ASSERT_TRUE(hit);
    EXPECT_EQ(hit->response, "press");
    EXPECT_EQ(hit->query, "How do I reset it?");
    EXPECT_EQ(hit->layer, HitLayer::exact);
    EXPECT_EQ(hit->similarity, 1.0f);
    EXPECT_TRUE(same_value(hit->metadata, Json::parse(R"({"tokens": 7})")));
    EXPECT_GT(hit->id, 0);
}

TEST_P(CacheBehaviour, mneme_071_an_exact_hit_never_calls_the_embedder) {
    SemanticCache cache = open();
    cache.put("question", "answer");
    const std::size_t before = embedder->calls();
    EXPECT_TRUE(cache.get("question"));
    EXPECT_EQ(embedder->calls(), before);
}

TEST_P(CacheBehaviour, mneme_022_072_an_unknown_question_is_a_miss) {
    EXPECT_FALSE(open().get("never asked"));
}

TEST_P(CacheBehaviour, mneme_073_case_and_blanks_do_not_matter_by_default) {
    SemanticCache cache = open();
    cache.put("How do I\treset it?", "press");
    const std::optional<Hit> hit = cache.get("  how DO i reset  IT? ");
    ASSERT_TRUE(hit);
    EXPECT_EQ(hit->layer, HitLayer::exact);
}

TEST_P(CacheBehaviour, mneme_074_without_normalisation_case_matters) {
    SemanticCache cache = open({.normalize = false});
    cache.put("Polish", "the language");
    EXPECT_FALSE(cache.get("polish"));
    EXPECT_TRUE(cache.get("Polish"));
}

TEST_P(CacheBehaviour, mended_case_can_matter_though_blanks_do_not) {
    SemanticCache cache = open({.fold_case = false});
    cache.put("Is 5 mW  enough?", "milliwatt");
    cache.put("is 5 MW enough?", "megawatt");
    EXPECT_EQ(cache.get(" Is 5 mW enough? ")->response, "milliwatt");
    EXPECT_EQ(cache.get("is 5 MW\tenough?")->response, "megawatt");
    EXPECT_FALSE(cache.get("is 5 mw enough?"));
}

TEST_P(CacheBehaviour, mneme_021_075_a_paraphrase_above_the_threshold_is_found_by_meaning) {
    embedder->similar("i forgot my password", "how do i reset it?", 0.93f);
    SemanticCache cache = open();
    cache.put("How do I reset it?", "press");
    const std::optional<Hit> hit = cache.get("I forgot my password");
    ASSERT_TRUE(hit);
    EXPECT_EQ(hit->response, "press");
    EXPECT_EQ(hit->layer, HitLayer::semantic);
    EXPECT_NEAR(hit->similarity, 0.93f, 1e-3f);
    EXPECT_EQ(hit->query, "How do I reset it?");
    EXPECT_EQ(hit->id, cache.get("how do i reset it?")->id);
}

TEST_P(CacheBehaviour, mneme_076_below_the_threshold_there_is_no_hit_unless_the_call_lowers_it) {
    embedder->similar("i forgot my password", "how do i reset it?", 0.7f);
    SemanticCache cache = open();
    cache.put("How do I reset it?", "press");
    EXPECT_FALSE(cache.get("I forgot my password"));
    EXPECT_TRUE(cache.get("I forgot my password", {}, {.similarity_threshold = 0.6f}));
}

TEST_P(CacheBehaviour, mneme_077_a_callers_own_vectors_bypass_the_embedder) {
    SemanticCache cache = open();
    std::vector<float> vector(64, 0.0f);
    vector[3] = 5.0f;
    cache.put("question", "answer", {}, {.embedding = vector});
    EXPECT_TRUE(cache.get("quite another", {}, {.embedding = vector}));
    EXPECT_EQ(embedder->calls(), 0u);
}

TEST_P(CacheBehaviour, mneme_080_bypass_looks_nowhere_and_counts_a_miss) {
    SemanticCache cache = open();
    cache.put("question", "answer");
    EXPECT_FALSE(cache.get("question", {}, {.bypass = true}));
    EXPECT_EQ(cache.stats().misses, 1);
}

TEST_P(CacheBehaviour, mneme_081_an_entry_past_its_lifetime_is_not_served_by_either_layer) {
    embedder->similar("other words", "question", 0.95f);
    SemanticCache cache = open();
    cache.put("question", "answer", {}, {.ttl = 60s});
    EXPECT_TRUE(cache.get("question"));
    EXPECT_TRUE(cache.get("other words"));
    pass(60s);
    EXPECT_FALSE(cache.get("question"));
    EXPECT_FALSE(cache.get("other words"));
    EXPECT_EQ(cache.stats().expirations, 1);
    EXPECT_EQ(cache.stats().entries, 0);
    cache.put("question", "new answer", {}, {.ttl = 60s});
    EXPECT_EQ(cache.get("other words")->response, "new answer");
}

TEST_P(CacheBehaviour, mneme_082_083_a_lifetime_of_its_own_beats_the_default_and_so_does_none_at_all) {
    SemanticCache cache = open({.default_ttl = 100s});
    cache.put("default", "a");
    cache.put("short", "b", {}, {.ttl = 10s});
    cache.put("for ever", "c", {}, {.never_expires = true});
    pass(50s);
    EXPECT_TRUE(cache.get("default"));
    EXPECT_FALSE(cache.get("short"));
    pass(50s);
    EXPECT_FALSE(cache.get("default"));
    EXPECT_TRUE(cache.get("for ever"));
}

TEST_P(CacheBehaviour, mneme_024_a_second_put_replaces_the_answer_and_keeps_the_id) {
    SemanticCache cache = open();
    cache.put("question", "old");
    const std::int64_t id = cache.get("question")->id;
    pass(100s);
    cache.put("QUESTION", "new");
    const Hit hit = *cache.get("question");
    EXPECT_EQ(hit.response, "new");
    EXPECT_EQ(hit.id, id);
    EXPECT_LT(hit.age, 50s);
    EXPECT_EQ(cache.stats().entries, 1);
}

TEST_P(CacheBehaviour, mneme_036_037_093_removes_exactly_one_entry_for_good) {
    embedder->similar("other words", "question", 0.95f);
    SemanticCache cache = open();
    cache.put("question", "answer");
    EXPECT_TRUE(cache.remove(" Question "));
    EXPECT_FALSE(cache.remove("question"));
    EXPECT_FALSE(cache.get("question"));
    EXPECT_FALSE(cache.get("other words"));
}

TEST_P(CacheBehaviour, mneme_064_clearing_a_scope_removes_all_its_answers_and_no_others) {
    SemanticCache cache = open();
    const Scope ada = Scope("acme").with("user", "ada");
    EXPECT_EQ(cache.clear(ada), 0U) << "which nobody knows";
    cache.put("one", "1", ada);
    cache.put("two", "2", ada, {.ttl = std::chrono::seconds(10)});
    cache.put("one", "other", Scope("acme"));
    ASSERT_TRUE(cache.get("one!", ada, {.similarity_threshold = -1.0f})) << "its vectors are in memory";
    pass(std::chrono::seconds(20));
    EXPECT_EQ(cache.clear(ada), 2U) << "also what has expired";
    EXPECT_EQ(cache.clear(ada), 0U);
    EXPECT_FALSE(cache.get("one", ada));
    EXPECT_FALSE(cache.get("one!", ada, {.similarity_threshold = -1.0f}));
    EXPECT_EQ(cache.get("one", Scope("acme"))->response, "other");
    cache.put("one", "again", ada);
    EXPECT_EQ(cache.get("one!", ada, {.similarity_threshold = -1.0f})->response, "again");
    EXPECT_EQ(cache.stats(ada).entries, 1);
}

TEST_P(CacheBehaviour, mneme_121_122_123_scopes_never_meet) {
    embedder->similar("other words", "question", 0.99f);
    SemanticCache cache = open();
    const Scope model = Scope("acme").with("model", "small");
    cache.put("question", "acme's", "acme");
    cache.put("question", "zenith's", "zenith");
    cache.put("question", "small's", model);
    EXPECT_EQ(cache.get("question", "acme")->response, "acme's");
    EXPECT_EQ(cache.get("other words", "zenith")->response, "zenith's");
    EXPECT_EQ(cache.get("other words", model)->response, "small's");
    EXPECT_FALSE(cache.get("question"));
    EXPECT_FALSE(cache.get("other words", Scope("acme").with("model", "large")));
    EXPECT_TRUE(cache.remove("question", "acme"));
    EXPECT_TRUE(cache.get("question", "zenith"));
    EXPECT_TRUE(cache.get("question", model));
}

TEST_P(CacheBehaviour, mneme_104_counters_outlive_the_process_colons_included) {
    const Scope scope("customer:42");
    {
        SemanticCache cache = open();
        cache.put("question", "answer", scope);
        cache.get("question", scope);
        cache.get("nothing", scope);
    }
    SemanticCache cache = open();
    cache.get("question", scope);
    const CacheStats stats = cache.stats(scope);
    EXPECT_EQ(stats.hits_exact, 2);
    EXPECT_EQ(stats.misses, 1);
    EXPECT_EQ(cache.stats(Scope("other")).hits_exact, 0);
    EXPECT_EQ(cache.stats().hits_exact, 2);
}

TEST_P(CacheBehaviour, mneme_105_a_failed_embedder_is_a_counted_miss_on_get_and_an_error_on_put) {
    SemanticCache cache = open();
    embedder->fail(2);
    EXPECT_FALSE(cache.get("question"));
    EXPECT_EQ(cache.stats().embedder_failures, 1);
    EXPECT_EQ(error_of([&] { cache.put("question", "answer"); }).code, ErrorCode::embedder_failed);
    EXPECT_EQ(cache.stats().entries, 0);
    cache.put("question", "answer");
    EXPECT_TRUE(cache.get("question"));
}

TEST_P(CacheBehaviour, a_question_that_the_embedder_cut_is_found_by_its_wording_only) {
    embedder->cut_beyond(10);
    embedder->similar("a long question", "short one", 0.99f);
    SemanticCache cache = open();
    cache.put("short one", "answer");
    EXPECT_FALSE(cache.get("a long question"));
    EXPECT_EQ(cache.stats().truncated, 1);
    EXPECT_EQ(cache.stats().misses, 1);
    cache.put("a long question", "another");
    EXPECT_EQ(cache.get("A long  question").value().response, "another");
    EXPECT_EQ(cache.get("short one").value().response, "answer");
    embedder->similar("brief", "a long question", 0.99f);
    EXPECT_NE(cache.get("brief").value().response, "another");  // its vector was not stored
}

TEST_P(CacheBehaviour, vectors_that_nobody_measured_need_a_threshold_from_the_caller) {
    SemanticCache cache = open(std::make_shared<FakeEmbedder>(FakeEmbedderOptions{.threshold = std::nullopt}));
    cache.put("question", "answer");
    EXPECT_TRUE(cache.get("question"));
    const ErrorInfo error = error_of([&] { cache.get("another"); });
    EXPECT_EQ(error.code, ErrorCode::invalid_argument);
    EXPECT_THAT(error.message, ::testing::HasSubstr("'fake:v1'"));
    EXPECT_FALSE(cache.get("another", {}, {.similarity_threshold = 0.9f}));
    EXPECT_EQ(error_of([&] { open(nullptr).get("another", {}, {.embedding = std::vector<float>(64, 1.0f)}); }).code,
              ErrorCode::invalid_argument);
}

TEST_P(CacheBehaviour, mneme_068_works_by_wording_alone_without_an_embedder_and_leaves_nothing_that_others_trip_over) {
    {
        SemanticCache wordless = open(nullptr);
        wordless.put("question", "answer");
        EXPECT_TRUE(wordless.get("QUESTION"));
        EXPECT_FALSE(wordless.get("other"));
    }
    embedder->similar("other", "question", 0.99f);
    SemanticCache cache = open();
    EXPECT_TRUE(cache.get("question"));
    EXPECT_FALSE(cache.get("other"));  // stored without a direction
    cache.put("question", "answer");
    EXPECT_TRUE(cache.get("other"));
}

TEST_P(CacheBehaviour, without_an_embedder_the_first_callers_vector_says_how_long_all_are) {
    std::vector<float> vector(64, 0.0f);
    vector[3] = 1.0f;
    const std::vector<float> wrong(63, 1.0f);
    SemanticCache cache = open(nullptr, {.similarity_threshold = 0.9f});
    SemanticCache reader = open(nullptr, {.similarity_threshold = 0.9f});
    EXPECT_FALSE(reader.get("quite another", {}, {.embedding = vector}));
    cache.put("question", "answer", {}, {.embedding = vector});
    EXPECT_TRUE(cache.get("quite another", {}, {.embedding = vector}));
    EXPECT_TRUE(reader.get("quite another", {}, {.embedding = vector}));
    for (SemanticCache* each : {&cache, &reader}) {
        EXPECT_EQ(error_of([&] { each->put("q", "a", {}, {.embedding = wrong}); }).code, ErrorCode::dimension_mismatch);
        EXPECT_EQ(each->look_up("q", {}, {.embedding = wrong}).miss, MissReason::dim_mismatch);
    }
    EXPECT_EQ(cache.stats().entries, 1);
    EXPECT_EQ(error_of([&] {
                  open(std::make_shared<FakeEmbedder>(FakeEmbedderOptions{.dimension = 32, .fingerprint = "other"}));
              }).code,
              ErrorCode::dimension_mismatch);
    EXPECT_NO_THROW(open());
}

TEST_P(CacheBehaviour, the_second_of_two_first_vectors_of_different_lengths_is_refused) {
    SemanticCache one = open(nullptr), two = open(nullptr);
    one.put("question", "answer", {}, {.embedding = std::vector<float>(64, 1.0f)});
    EXPECT_EQ(error_of([&] { two.put("q", "a", {}, {.embedding = std::vector<float>(63, 1.0f)}); }).code,
              ErrorCode::dimension_mismatch);
    EXPECT_EQ(one.stats().entries, 1);
}

TEST_P(CacheBehaviour, caches_of_one_place_share_its_entries_and_its_counters) {
    embedder->similar("other words", "question", 0.95f);
    SemanticCache one = open(), two = open();
    one.put("question", "answer");
    EXPECT_EQ(two.get("question")->response, "answer");
    EXPECT_EQ(two.get("other words")->response, "answer");
    EXPECT_EQ(two.stats().hits_exact, 1);
    EXPECT_EQ(one.stats().hits_semantic, 1);
    EXPECT_TRUE(two.remove("question"));
    EXPECT_FALSE(one.get("other words"));
    one.put("question", "again");
    EXPECT_GT(one.get("question")->id, 1) << "no id is given twice";
}

TEST_P(CacheBehaviour, the_most_similar_live_one_answers) {
    SemanticCache cache = open();
    for (int i = 0; i < 20; ++i) {
        const std::string question = "question " + std::to_string(i);
        embedder->similar(question, "asked", 0.99f - 0.005f * static_cast<float>(i));
        cache.put(question, std::to_string(i), {}, {.ttl = i < 15 ? 10s : 1000s});
    }
    EXPECT_EQ(cache.get("asked")->response, "0");
    cache.remove("question 0");
    EXPECT_EQ(cache.get("asked")->response, "1");
    pass(10s);
    EXPECT_EQ(cache.get("asked")->response, "15");
    EXPECT_EQ(cache.stats().hits_semantic, 3);
}

TEST_P(CacheBehaviour, mneme_018_103_is_closed_once_and_says_so_afterwards) {
    SemanticCache cache = open();
    cache.close();
    cache.close();
    EXPECT_EQ(error_of([&] { cache.get("question"); }).code, ErrorCode::closed);
    EXPECT_EQ(error_of([&] { cache.put("question", "answer"); }).code, ErrorCode::closed);
    EXPECT_EQ(error_of([&] { cache.stats(); }).code, ErrorCode::closed);
}

TEST_P(CacheBehaviour, lists_a_scope_page_by_page_newest_first_and_ends) {
    SemanticCache cache = open();
    for (int i = 0; i < 5; ++i) cache.put("q" + std::to_string(i), "r");
    cache.put("elsewhere", "r", "other");
    std::vector<std::string> seen;
    std::optional<std::int64_t> before;
    for (;;) {
        const std::vector<CacheEntry> page = cache.list({}, 2, before);
        if (page.empty()) break;
        for (const CacheEntry& entry : page) seen.push_back(entry.query);
        before = page.back().id;
    }
    EXPECT_EQ(seen, (std::vector<std::string>{"q4", "q3", "q2", "q1", "q0"}));
    EXPECT_TRUE(cache.list({}, 0).empty());
    cache.put("short", "r", {}, {.ttl = 10s, .metadata = Json::parse("{\"n\":1}")});
    EXPECT_EQ(cache.list()[0].ttl, 10s);
    EXPECT_TRUE(same_value(cache.list()[0].metadata, Json::parse("{\"n\":1}")));
    pass(10s);
    EXPECT_EQ(cache.list()[0].query, "q4") << "what is past its lifetime is not listed";
    EXPECT_GE(cache.list()[0].age, 10s);
    EXPECT_EQ(cache.list("other")[0].stored_namespace, "other");
}

TEST_P(CacheBehaviour, mneme_148_threads_share_it_without_losing_or_mixing_anything) {
    SemanticCache cache = open();
    std::atomic<int> wrong{0};
    test::in_threads(8, [&](int t) {
        for (int i = 0; i < 60; ++i) {
            const std::string query = "t" + std::to_string(t) + " q" + std::to_string(i % 20);
            const std::string answer = query + " a" + std::to_string(i);
            cache.put(query, answer);
            const std::optional<Hit> hit = cache.get(query);
            if (!hit || hit->response != answer) ++wrong;
            if (i % 7 == 0 && !cache.remove(query)) ++wrong;
        }
    });
    EXPECT_EQ(wrong, 0);
    EXPECT_EQ(cache.stats().hits_exact, 8 * 60);
}

}  // namespace
}  // namespace stele
