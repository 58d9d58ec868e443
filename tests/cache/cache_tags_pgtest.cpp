// Tags, policies, the skip rule, and many questions at once: on a database and in memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cache/any_cache.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::error_of;
using test::On;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CacheTags : public test::AnyCache {
protected:
    static std::vector<std::string> queries(SemanticCache& cache, const CacheEntryFilter& filter = {}) {
        std::vector<std::string> found;
        for (const CacheEntry& entry : cache.entries({}, filter)) found.push_back(entry.query);
        return found;
    }
};

INSTANTIATE_TEST_SUITE_P(Cache, CacheTags, ::testing::Values(On::database, On::memory), test::name_of);

TEST_P(CacheTags, what_has_a_tag_is_removed_with_it) {
    SemanticCache cache = open();
    const Scope large = Scope("acme").with("model", "large");
    cache.put("one", "r", "acme", {.tags = {"returns", "faq"}});
    cache.put("two", "r", "acme", {.tags = {"faq"}});
    cache.put("three", "r", large, {.tags = {"returns"}});
    cache.put("four", "r", "zenith", {.tags = {"returns"}});
    cache.put("five", "r", "acme");
    EXPECT_TRUE(cache.get("one", "acme")) << "it is in memory now";
    EXPECT_THAT(queries(cache, {.tag = "returns"}), ElementsAre("four", "three", "one"));
    EXPECT_EQ(cache.remove_tagged("nobody's"), 0U);
    EXPECT_EQ(cache.remove_tagged("returns", "acme"), 1U);
    EXPECT_FALSE(cache.get("one", "acme"));
    EXPECT_THAT(queries(cache, {.tag = "returns"}), ElementsAre("four", "three"));
    EXPECT_EQ(cache.remove_tagged("returns", "acme", true), 1U) << "all scopes of the tenant, and no other's";
    EXPECT_FALSE(cache.get("three", large));
    EXPECT_TRUE(cache.get("four", "zenith"));
    EXPECT_EQ(cache.remove_tagged("faq", "acme"), 1U) << "what was removed by another tag has none left";
    EXPECT_TRUE(cache.get("five", "acme"));
}

TEST_P(CacheTags, a_removed_answer_is_not_found_by_meaning_either) {
    SemanticCache cache = open({.similarity_threshold = 0.8f});
    embedder->similar("asked", "question", 0.95f);
    cache.put("question", "r", {}, {.tags = {"t"}});
    EXPECT_TRUE(cache.get("asked"));
    EXPECT_EQ(cache.remove_tagged("t"), 1U);
    EXPECT_FALSE(cache.get("asked"));
}

TEST_P(CacheTags, tags_are_shown_sorted_and_replaced_by_the_next_put) {
    SemanticCache cache = open();
    cache.put("q", "r", {}, {.tags = {"b", "a", "b"}});
    EXPECT_THAT(cache.list()[0].tags, ElementsAre("a", "b"));
    cache.put("q", "r", {}, {.tags = {"c"}});
    EXPECT_THAT(cache.list()[0].tags, ElementsAre("c"));
    EXPECT_THAT(queries(cache, {.tag = "a"}), IsEmpty());
    cache.put("q", "r");
    EXPECT_THAT(cache.list()[0].tags, IsEmpty());
    cache.put("q", "r", {}, {.tags = {"d"}});
    cache.remove("q");
    cache.put("q", "r");
    EXPECT_THAT(queries(cache, {.tag = "d"}), IsEmpty());
    EXPECT_EQ(error_of([&] { cache.put("q", "r", {}, {.tags = {""}}); }).code, ErrorCode::invalid_argument);
    EXPECT_EQ(error_of([&] { cache.remove_tagged(""); }).code, ErrorCode::invalid_argument);
}

TEST_P(CacheTags, a_tenants_policy_stands_between_the_call_and_the_options) {
    SemanticCache cache = open({.similarity_threshold = 0.9f, .default_ttl = 100s});
    embedder->similar("asked", "question", 0.8f);
    cache.put("question", "r", "acme");
    EXPECT_FALSE(cache.get("asked", "acme"));
    EXPECT_FALSE(cache.policy("acme"));
    cache.set_policy("acme", {.similarity_threshold = 0.7f, .default_ttl = 1000s});
    EXPECT_EQ(cache.policy("acme"), (CachePolicy{.similarity_threshold = 0.7f, .default_ttl = 1000s}));
    EXPECT_TRUE(cache.get("asked", "acme"));
    EXPECT_FALSE(cache.get("asked", "acme", {.similarity_threshold = 0.95f})) << "the call's own counts more";
    const Scope scope = Scope("acme").with("model", "m");
    cache.put("question", "r", scope);
    EXPECT_TRUE(cache.get("asked", scope)) << "it is of all scopes of the tenant";
    cache.put("question", "r", "zenith");
    EXPECT_FALSE(cache.get("asked", "zenith")) << "and of no other";
    EXPECT_EQ(cache.list("zenith")[0].ttl, 100s);
    EXPECT_EQ(cache.list(scope)[0].ttl, 1000s);
    cache.put("question", "r", scope, {.ttl = 50s});
    EXPECT_EQ(cache.list(scope)[0].ttl, 50s);
    cache.put("question", "r", scope, {.never_expires = true});
    EXPECT_FALSE(cache.list(scope)[0].ttl);
    cache.set_policy("acme", {.min_confidence = 0.85f});
    EXPECT_FALSE(cache.get("asked", "acme", {.similarity_threshold = 0.7f})) << "its confidence is 0.8";
    EXPECT_TRUE(cache.get("asked", "zenith", {.similarity_threshold = 0.7f}));
    EXPECT_EQ(cache.policies().size(), 1U);
    EXPECT_TRUE(cache.remove_policy("acme"));
    EXPECT_FALSE(cache.remove_policy("acme"));
    EXPECT_TRUE(cache.get("asked", "acme", {.similarity_threshold = 0.7f}));
}

TEST_P(CacheTags, a_policy_out_of_bounds_is_refused) {
    SemanticCache cache = open();
    const ErrorInfo empty = error_of([&] { cache.set_policy("acme", {}); });
    EXPECT_EQ(empty.code, ErrorCode::invalid_argument);
    EXPECT_THAT(empty.message, HasSubstr("remove_policy"));
    EXPECT_EQ(error_of([&] { cache.set_policy("acme", {.similarity_threshold = 2.0f}); }).code,
              ErrorCode::invalid_argument);
    EXPECT_EQ(error_of([&] { cache.set_policy("acme", {.default_ttl = 0s}); }).code, ErrorCode::invalid_argument);
    EXPECT_EQ(error_of([&] { cache.set_policy("", {.default_ttl = 1s}); }).code, ErrorCode::invalid_argument);
    EXPECT_TRUE(cache.policies().empty());
}

TEST_P(CacheTags, what_the_skip_rule_holds_for_is_neither_stored_nor_found) {
    SemanticCache plain = open();
    plain.put("short", "r");
    plain.put("a rather long question", "r");
    plain.put("secret", "r");
    SemanticCache cache =
        open({.skip = {.max_turns = 3, .max_bytes = 10, .when = [](std::string_view query, const Scope&) {
                           return query == "secret";
                       }}});
    EXPECT_TRUE(cache.get("short"));
    EXPECT_TRUE(cache.get("short", {}, {.turns = 3}));
    EXPECT_EQ(cache.look_up("short", {}, {.turns = 4}).miss, MissReason::skipped);
    EXPECT_EQ(cache.look_up("a rather long question").miss, MissReason::skipped);
    EXPECT_EQ(cache.look_up("secret").miss, MissReason::skipped);
    EXPECT_FALSE(cache.put("another long question", "r"));
    EXPECT_FALSE(cache.put("new", "r", {}, {.turns = 4}));
    EXPECT_TRUE(cache.put("new", "r"));
    EXPECT_EQ(cache.stats().skipped, 5);
    EXPECT_EQ(cache.stats().entries, 4);
    const std::vector<std::string> asked{"short", "secret"};
    const std::vector<ManyLookup> found = cache.get_many(asked);
    EXPECT_TRUE(found[0].lookup.hit);
    EXPECT_EQ(found[1].lookup.miss, MissReason::skipped);
    const std::vector<NewAnswer> answers{{"secret", "r"}, {"more", "r"}};
    EXPECT_EQ(cache.put_many(answers), 1U);
}

TEST_P(CacheTags, many_questions_are_answered_in_their_order) {
    SemanticCache cache = open({.similarity_threshold = 0.8f});
    embedder->similar("near", "two", 0.9f);
    cache.put("one", "r1");
    cache.put("two", "r2");
    cache.put("old", "r", {}, {.ttl = 10s});
    pass(20s);
    const std::vector<std::string> asked{"near", "one", "nothing", std::string("\xff"), "ONE", "old"};
    const std::vector<ManyLookup> found = cache.get_many(asked);
    ASSERT_EQ(found.size(), asked.size());
    EXPECT_EQ(found[0].lookup.hit->response, "r2");
    EXPECT_EQ(found[0].lookup.hit->layer, HitLayer::semantic);
    EXPECT_EQ(found[1].lookup.hit->response, "r1");
    EXPECT_EQ(found[2].lookup.miss, MissReason::below_threshold);
    EXPECT_EQ(found[3].error->code, ErrorCode::invalid_argument) << "of this question alone";
    EXPECT_EQ(found[4].lookup.hit->id, found[1].lookup.hit->id);
    EXPECT_EQ(found[5].lookup.miss, MissReason::expired);
    EXPECT_EQ(cache.stats().hits_exact, 2);
    EXPECT_EQ(cache.stats().hits_semantic, 1);
    EXPECT_EQ(cache.stats().misses, 2);
    EXPECT_THAT(cache.get_many({}), IsEmpty());
    EXPECT_EQ(error_of([&] { cache.get_many(asked, {}, {.embedding = std::vector<float>(4, 1.0f)}); }).code,
              ErrorCode::invalid_argument);
}

TEST_P(CacheTags, many_questions_cost_one_batch_of_the_embedder) {
    SemanticCache cache = open({.similarity_threshold = 0.8f});
    std::vector<NewAnswer> answers;
    std::vector<std::string> asked;
    for (int i = 0; i < 20; ++i) {
        answers.push_back({"q" + std::to_string(i), "r" + std::to_string(i)});
        asked.push_back("p" + std::to_string(i));
        embedder->similar(asked.back(), answers.back().query, 0.95f);
    }
    const std::size_t before = embedder->calls();
    EXPECT_EQ(cache.put_many(answers), 20U);
    EXPECT_EQ(embedder->calls(), before + 1);
    const std::vector<ManyLookup> found = cache.get_many(asked);
    EXPECT_EQ(embedder->calls(), before + 2);
    for (std::size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i].lookup.hit->response, answers[i].response) << i;
    embedder->fail(1);
    for (const ManyLookup& each : cache.get_many(asked)) {
        EXPECT_EQ(each.lookup.miss, MissReason::embedder_failure);
    }
}

TEST_P(CacheTags, many_questions_are_asked_of_the_guards_as_one_is) {
    std::vector<Guard> guards{{"no", [](const GuardedPair& pair) -> std::optional<Refusal> {
                                   if (pair.response == "right") return std::nullopt;
                                   return Refusal{.text = "wrong"};
                               }}};
    SemanticCache cache = open({.similarity_threshold = 0.5f, .guards = guards});
    std::vector<NewAnswer> answers;
    for (int i = 0; i < 12; ++i) {
        answers.push_back({"q" + std::to_string(i), i == 11 ? "right" : "wrong"});
        embedder->similar(answers.back().query, "asked", 0.95f - 0.01f * static_cast<float>(i));
    }
    cache.put_many(answers);
    const std::vector<std::string> asked{"asked"};
    const std::vector<ManyLookup> found = cache.get_many(asked);
    ASSERT_TRUE(found[0].lookup.hit) << "behind those that the first fetch brought";
    EXPECT_EQ(found[0].lookup.hit->response, "right");
}

TEST_P(CacheTags, many_answers_are_put_together_or_not_at_all) {
    SemanticCache cache = open({.max_response_bytes = 10});
    const std::vector<NewAnswer> bad{{"one", "r"}, {"two", "far too long an answer"}};
    const ErrorInfo error = error_of([&] { cache.put_many(bad); });
    EXPECT_EQ(error.code, ErrorCode::limit_exceeded);
    EXPECT_THAT(error.message, HasSubstr("answer 2 of 2"));
    EXPECT_EQ(cache.stats().entries, 0);
    const std::vector<NewAnswer> twice{{"Same", "first"}, {"other", "r"}, {"same", "last", {.tags = {"t"}}}};
    EXPECT_EQ(cache.put_many(twice, "acme"), 2U);
    EXPECT_EQ(cache.get("same", "acme")->response, "last");
    EXPECT_THAT(queries(cache, {.tag = "t"}), ElementsAre("same"));
    EXPECT_EQ(cache.put_many({}), 0U);
}

TEST_P(CacheTags, quotas_hold_for_many_answers) {
    SemanticCache cache = open();
    cache.set_quota("acme", {.entries = 5});
    std::vector<NewAnswer> answers;
    for (int i = 0; i < 12; ++i) answers.push_back({"q" + std::to_string(i), "r"});
    cache.put_many(answers, "acme");
    EXPECT_EQ(cache.stats(Scope("acme")).entries, 5);
    EXPECT_EQ(cache.stats(Scope("acme")).evictions, 7);
}

}  // namespace
}  // namespace stele
