// How much a cache holds, what goes first, and how one looks at it: on a database and in memory.
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

class CacheCaps : public test::AnyCache {
protected:
    static std::vector<std::string> queries(SemanticCache& cache, const std::optional<Scope>& scope = {},
                                            const CacheEntryFilter& filter = {}) {
        std::vector<std::string> found;
        for (const CacheEntry& entry : cache.entries(scope, filter)) found.push_back(entry.query);
        return found;
    }
    static void fill(SemanticCache& cache, int entries, const Scope& scope = {}) {
        for (int i = 0; i < entries; ++i) cache.put("q" + std::to_string(i), "r", scope);
    }
};

INSTANTIATE_TEST_SUITE_P(Cache, CacheCaps, ::testing::Values(On::database, On::memory), test::name_of);

TEST_P(CacheCaps, mneme_088_no_more_entries_than_the_limit_are_ever_left) {
    SemanticCache cache = open({.max_entries = 5});
    for (int i = 0; i < 8; ++i) {
        cache.put("q" + std::to_string(i), "r");
        EXPECT_LE(cache.stats().entries, 5);
        EXPECT_TRUE(cache.get("q" + std::to_string(i))) << "what was just put stays";
    }
    EXPECT_EQ(cache.stats().entries, 5);
    EXPECT_EQ(cache.stats().evictions, 3);
}

TEST_P(CacheCaps, mneme_030_031_127_131_what_was_used_longest_ago_goes_first) {
    SemanticCache cache = open();
    for (const char* query : {"first", "second", "third", "fourth"}) {
        cache.put(query, "r");
        pass(10s);
    }
    use(cache, "first");
    pass(10s);
    EXPECT_THAT(queries(cache, {}, {.order = EntryOrder::coldest_first}),
                ElementsAre("second", "third", "fourth", "first"));
    cache.set_limits({.entries = 2});
    EXPECT_THAT(queries(cache), ElementsAre("fourth", "first")) << "at once";
    cache.put("fifth", "r");
    EXPECT_THAT(queries(cache), ElementsAre("fifth", "first"));
    EXPECT_EQ(cache.stats().evictions, 3);
}

TEST_P(CacheCaps, mneme_041_042_065_a_quota_is_stored_replaced_and_taken_away) {
    {
        SemanticCache cache = open();
        EXPECT_FALSE(cache.quota("acme"));
        EXPECT_FALSE(cache.remove_quota("acme"));
        cache.set_quota("acme", {.entries = 10});
        cache.set_quota("zenith", {.bytes = 1000});
        EXPECT_EQ(cache.quota("acme"), (CacheQuota{.entries = 10}));
        cache.set_quota("acme", {.entries = 20, .bytes = 5000});
    }
    SemanticCache cache = open();
    EXPECT_EQ(cache.quota("acme"), (CacheQuota{20, 5000}));
    EXPECT_THAT(cache.quotas(), ElementsAre(std::pair<const std::string, CacheQuota>("acme", {20, 5000}),
                                            std::pair<const std::string, CacheQuota>("zenith", {{}, 1000})));
    EXPECT_TRUE(cache.remove_quota("acme"));
    EXPECT_FALSE(cache.quota("acme"));
    EXPECT_TRUE(cache.remove_quota("zenith"));
    EXPECT_TRUE(cache.quotas().empty());
}

TEST_P(CacheCaps, limits_of_all_together_are_stored_and_taken_away) {
    {
        SemanticCache cache = open();
        EXPECT_TRUE(cache.limits().empty());
        cache.set_limits({.entries = 3, .bytes = 1'000'000});
    }
    SemanticCache cache = open();
    EXPECT_EQ(cache.limits(), (CacheQuota{3, 1'000'000}));
    fill(cache, 5);
    EXPECT_EQ(cache.stats().entries, 3);
    cache.set_limits({});
    EXPECT_TRUE(cache.limits().empty());
    cache.put("one more", "r");
    EXPECT_EQ(cache.stats().entries, 4);
}

TEST_P(CacheCaps, mneme_089_128_a_quota_takes_from_its_own_tenant_only) {
    SemanticCache cache = open();
    fill(cache, 3, "other");
    pass(100s);
    cache.set_quota("acme", {.entries = 2});
    fill(cache, 4, "acme");
    EXPECT_EQ(cache.stats(Scope("acme")).entries, 2);
    EXPECT_EQ(cache.stats(Scope("other")).entries, 3);
    EXPECT_EQ(cache.stats(Scope("acme")).evictions, 2);
    EXPECT_EQ(cache.stats(Scope("other")).evictions, 0);
}

TEST_P(CacheCaps, mneme_090_091_a_quota_and_the_limit_of_all_hold_together) {
    SemanticCache cache = open({.max_entries = 6, .quotas = {{"small", {.entries = 2}}}});
    fill(cache, 5, "small");
    EXPECT_EQ(cache.stats(Scope("small")).entries, 2) << "though all may be more";
    pass(10s);
    fill(cache, 8, "free");
    EXPECT_EQ(cache.stats().entries, 6);
    EXPECT_EQ(cache.stats(Scope("free")).entries, 6) << "whoever has no quota shares in the limit, the oldest go";
    fill(cache, 1, "small");
    EXPECT_EQ(cache.stats().entries, 6) << "a quota is no way around it";
}

TEST_P(CacheCaps, a_quota_counts_all_scopes_of_its_tenant) {
    SemanticCache cache = open();
    const Scope small = Scope("acme").with("model", "small"), large = Scope("acme").with("model", "large");
    cache.set_quota("acme", {.entries = 3});
    fill(cache, 2, small);
    pass(10s);
    fill(cache, 2, large);
    EXPECT_EQ(cache.stats(small).entries, 1);
    EXPECT_EQ(cache.stats(large).entries, 2);
    fill(cache, 2, "acme");
    EXPECT_EQ(cache.stats(small).entries, 0);
    EXPECT_EQ(cache.stats(large).entries + cache.stats(Scope("acme")).entries, 3);
}

TEST_P(CacheCaps, mneme_126_132_nothing_goes_without_a_limit_or_below_it) {
    SemanticCache cache = open({.quotas = {{"default", {.entries = 4}}}});
    fill(cache, 4);
    fill(cache, 4);
    fill(cache, 9, "without");
    EXPECT_EQ(cache.stats().entries, 13);
    EXPECT_EQ(cache.stats().evictions, 0);
}

TEST_P(CacheCaps, mneme_129_130_so_many_go_as_are_too_many) {
    SemanticCache cache = open();
    fill(cache, 24);
    cache.set_quota("default", {.entries = 20});
    EXPECT_EQ(cache.stats().entries, 20);
    cache.set_quota("default", {.entries = 2});
    EXPECT_EQ(cache.stats().entries, 2);
    cache.put("third", "r");
    EXPECT_EQ(cache.stats().entries, 2);
    EXPECT_EQ(cache.stats().evictions, 23);
}

TEST_P(CacheCaps, some_more_go_at_once_so_that_not_every_put_has_to) {
    SemanticCache one_by_one = open({.max_entries = 40, .evict_at_once = 0});
    fill(one_by_one, 41);
    EXPECT_EQ(one_by_one.stats().entries, 40);
    SemanticCache some = open({.max_entries = 40, .evict_at_once = 3});
    some.put("another", "r");
    EXPECT_EQ(some.stats().entries, 37);
    fill(one_by_one, 41);
    SemanticCache tenth = open({.max_entries = 40, .evict_at_once = SemanticCacheOptions::kEvictATenth});
    tenth.put("yet another", "r");
    EXPECT_EQ(tenth.stats().entries, 36) << "as mneme does it";
}

TEST_P(CacheCaps, bytes_are_limited_as_entries_are) {
    SemanticCache cache = open(nullptr);
    const std::string answer(1000, 'x');
    cache.put("q0", answer);
    const std::int64_t each = cache.stats().bytes;
    EXPECT_GE(each, 1000);
    EXPECT_LT(each, 1100);
    cache.set_limits({.bytes = static_cast<std::size_t>(3 * each)});
    for (int i = 1; i < 6; ++i) {
        pass(10s);
        cache.put("q" + std::to_string(i), answer);
    }
    EXPECT_THAT(queries(cache), ElementsAre("q5", "q4", "q3"));
    cache.put("q5", std::string(2000, 'y'));
    EXPECT_THAT(queries(cache), ElementsAre("q5", "q4")) << "a longer answer to the same question counts, too";
    EXPECT_LE(cache.stats().bytes, 3 * each);
    cache.put("q6", std::string(5000, 'z'));
    EXPECT_THAT(queries(cache), IsEmpty()) << "what alone is too much is not kept";
    EXPECT_EQ(cache.stats().bytes, 0);
}

TEST_P(CacheCaps, what_has_expired_goes_first_and_counts_as_expired) {
    SemanticCache cache = open();
    cache.put("old", "r");
    pass(100s);
    cache.put("short", "r", {}, {.ttl = 10s});
    pass(20s);
    cache.put("new", "r");
    cache.set_limits({.entries = 2});
    EXPECT_THAT(queries(cache), ElementsAre("new", "old"));
    EXPECT_EQ(cache.stats().evictions, 0);
    EXPECT_EQ(cache.stats().expirations, 1);
    EXPECT_EQ(cache.stats().expired, 0);
}

TEST_P(CacheCaps, mneme_038_039_092_vacuum_removes_what_has_expired_and_says_how_much) {
    SemanticCache cache = open();
    cache.put("gone", "r", {}, {.ttl = 50s});
    cache.put("stays", "r", {}, {.ttl = 200s});
    cache.put("for ever", "r");
    cache.put("gone", "r", "other", {.ttl = 50s});
    EXPECT_EQ(cache.vacuum(), 0U);
    pass(100s);
    EXPECT_EQ(cache.stats().expired, 2);
    EXPECT_EQ(cache.vacuum(Scope("other")), 1U);
    EXPECT_EQ(cache.stats().expired, 1);
    EXPECT_EQ(cache.vacuum(), 1U);
    EXPECT_EQ(cache.vacuum(), 0U);
    EXPECT_THAT(queries(cache), ElementsAre("for ever", "stays"));
    EXPECT_EQ(cache.stats().expirations, 2);
    EXPECT_EQ(cache.stats(Scope("other")).expirations, 1);
    EXPECT_EQ(cache.stats().evictions, 0);
}

TEST_P(CacheCaps, mneme_027_029_099_100_counts_are_of_one_namespace_or_of_all) {
    SemanticCache cache = open();
    fill(cache, 3, "a");
    fill(cache, 2, "b");
    cache.get("q0", "a");
    cache.get("nothing", "b");
    EXPECT_EQ(cache.stats(Scope("a")).entries, 3);
    EXPECT_EQ(cache.stats(Scope("b")).entries, 2);
    EXPECT_EQ(cache.stats(Scope("c")).entries, 0);
    EXPECT_EQ(cache.stats().entries, 5);
    EXPECT_EQ(cache.stats(Scope("a")).hits_exact, 1);
    EXPECT_EQ(cache.stats(Scope("a")).misses, 0);
    EXPECT_EQ(cache.stats().misses, 1);
    EXPECT_EQ(cache.stats().bytes, cache.stats(Scope("a")).bytes + cache.stats(Scope("b")).bytes);
}

TEST_P(CacheCaps, mneme_028_102_125_namespaces_are_those_that_hold_entries_in_order) {
    SemanticCache cache = open();
    EXPECT_THAT(cache.namespaces(), IsEmpty());
    fill(cache, 1, "zenith");
    fill(cache, 2, "acme");
    fill(cache, 1, Scope("acme").with("model", "m"));
    std::vector<CacheNamespace> namespaces = cache.namespaces();
    ASSERT_EQ(namespaces.size(), 3U);
    EXPECT_EQ(namespaces[0].stored_namespace, "acme");
    EXPECT_EQ(namespaces[0].entries, 2);
    EXPECT_EQ(namespaces[0].bytes, cache.stats(Scope("acme")).bytes);
    EXPECT_EQ(namespaces[1].tenant, "acme");
    EXPECT_TRUE(same_value(namespaces[1].attributes, Json::parse(R"({"model": "m"})")));
    EXPECT_EQ(namespaces[2].stored_namespace, "zenith");
    cache.clear("acme");
    EXPECT_EQ(cache.namespaces().size(), 2U);
}

TEST_P(CacheCaps, mneme_040_094_095_097_everything_can_be_cleared) {
    SemanticCache cache = open();
    EXPECT_EQ(cache.clear_all(), 0U);
    fill(cache, 3, "a");
    fill(cache, 2, Scope("b").with("model", "m"));
    EXPECT_EQ(cache.clear("a"), 3U);
    EXPECT_EQ(cache.stats().entries, 2);
    fill(cache, 1, "a");
    EXPECT_TRUE(cache.get("q0?", "a", {.similarity_threshold = -1.0f})) << "its vectors are in memory";
    EXPECT_EQ(cache.clear_all(), 3U);
    EXPECT_THAT(cache.namespaces(), IsEmpty());
    EXPECT_EQ(cache.stats().bytes, 0);
    EXPECT_FALSE(cache.get("q0?", "a", {.similarity_threshold = -1.0f}));
    cache.put("q0", "new", "a");
    EXPECT_EQ(cache.get("q0", "a")->response, "new");
    cache.put("q0", "new", Scope("b").with("model", "m"));
    EXPECT_EQ(cache.namespaces().back().tenant, "b") << "what the scope stands for is said again";
}

TEST_P(CacheCaps, mneme_101_health_says_what_there_is) {
    SemanticCache cache = open();
    CacheHealth health = cache.health();
    EXPECT_TRUE(health.healthy);
    EXPECT_TRUE(health.embedder_fingerprint_match);
    EXPECT_EQ(health.entries, 0);
    EXPECT_FALSE(health.oldest_entry_age);
    fill(cache, 2, "a");
    pass(50s);
    fill(cache, 1, "b");
    health = cache.health();
    EXPECT_TRUE(health.integrity_ok);
    EXPECT_EQ(health.entries, 3);
    EXPECT_EQ(health.namespaces, 2U);
    EXPECT_EQ(health.bytes, cache.stats().bytes);
    EXPECT_GE(health.oldest_entry_age, 50s);
    EXPECT_LT(health.oldest_entry_age, 100s);
    EXPECT_EQ(health.schema_version, 1);
    EXPECT_EQ(health.store_backend, database ? "postgres" : "memory");
    EXPECT_EQ(health.vector_dtype, "float32");
    EXPECT_EQ(health.problem, "");
}

TEST_P(CacheCaps, entries_say_how_often_and_when_they_were_used) {
    SemanticCache cache = open();
    cache.put("used", "r");
    cache.put("not used", "r");
    pass(100s);
    use(cache, "used");
    const std::vector<CacheEntry> entries = cache.entries({}, {.order = EntryOrder::coldest_first});
    ASSERT_EQ(entries.size(), 2U);
    EXPECT_EQ(entries[0].query, "not used");
    EXPECT_EQ(entries[0].access_count, 0);
    EXPECT_EQ(entries[1].access_count, 1);
    EXPECT_GE(entries[1].last_access - entries[0].last_access, 90s);
    cache.put("used", "again");
    EXPECT_EQ(cache.list()[1].access_count, 0) << "a new answer begins anew";
}

TEST_P(CacheCaps, entries_are_filtered_by_text_metadata_and_age) {
    SemanticCache cache = open();
    cache.put("Where is my order?", "Under Orders.", "a",
              {.metadata = Json::parse(R"({"source": "faq", "tags": ["x", "y"], "n": 1})")});
    pass(100s);
    cache.put("Opening hours?", "9 to 5, not on ORDERED days", "a", {.metadata = Json::parse(R"({"source": "web"})")});
    cache.put("100% of _it", "r", "b");
    const Scope a("a");
    EXPECT_THAT(queries(cache, a, {.text = "order"}), ElementsAre("Opening hours?", "Where is my order?"));
    EXPECT_THAT(queries(cache, {}, {.text = "0% of _"}), ElementsAre("100% of _it"));
    EXPECT_THAT(queries(cache, {}, {.text = "%"}), ElementsAre("100% of _it")) << "no pattern";
    EXPECT_THAT(queries(cache, {}, {.metadata = Json::parse(R"({"tags": ["y"]})")}), ElementsAre("Where is my order?"));
    EXPECT_THAT(queries(cache, {}, {.metadata = Json::parse(R"({"source": "web"})")}), ElementsAre("Opening hours?"));
    EXPECT_THAT(queries(cache, {}, {.metadata = Json::parse(R"({"n": 1.0, "source": "faq"})")}),
                ElementsAre("Where is my order?"));
    EXPECT_THAT(queries(cache, {}, {.metadata = Json::parse(R"({"tags": "y"})")}), IsEmpty());
    EXPECT_THAT(queries(cache, {}, {.min_age = 60s}), ElementsAre("Where is my order?"));
    EXPECT_THAT(queries(cache, Scope("b"), {.text = "order"}), IsEmpty());
    EXPECT_EQ(error_of([&] { queries(cache, a, {.metadata = Json::parse("[1]")}); }).code, ErrorCode::invalid_argument);
}

TEST_P(CacheCaps, mneme_063_the_coldest_are_read_page_by_page) {
    SemanticCache cache = open();
    for (int i = 0; i < 5; ++i) {
        cache.put("q" + std::to_string(i), "r");
        if (i % 2 == 0) pass(10s);  // some have the same time
    }
    EXPECT_THAT(queries(cache, {}, {.order = EntryOrder::coldest_first, .limit = 0}), IsEmpty());
    std::vector<std::string> seen;
    CacheEntryFilter filter{.order = EntryOrder::coldest_first, .limit = 2};
    for (;;) {
        const std::vector<CacheEntry> page = cache.entries({}, filter);
        if (page.empty()) break;
        for (const CacheEntry& entry : page) seen.push_back(entry.query);
        filter.after = CacheEntryFilter::Place::of(page.back());
    }
    EXPECT_THAT(seen, ElementsAre("q0", "q1", "q2", "q3", "q4"));
}

TEST_P(CacheCaps, quotas_that_limit_nothing_or_nobody_are_refused) {
    SemanticCache cache = open();
    const ErrorInfo empty = error_of([&] { cache.set_quota("acme", {}); });
    EXPECT_EQ(empty.code, ErrorCode::invalid_argument);
    EXPECT_THAT(empty.message, HasSubstr("remove_quota"));
    EXPECT_EQ(error_of([&] { cache.set_quota("", {.entries = 1}); }).code, ErrorCode::invalid_argument);
    EXPECT_EQ(error_of([&] { cache.set_limits({.entries = SIZE_MAX}); }).code, ErrorCode::invalid_argument);
    EXPECT_EQ(error_of([&] { open({.max_bytes = SIZE_MAX}); }).code, ErrorCode::invalid_argument);
    EXPECT_EQ(error_of([&] { open({.quotas = {{"acme", {}}}}); }).code, ErrorCode::invalid_argument);
    EXPECT_TRUE(cache.quotas().empty());
    cache.set_limits({.entries = 0});
    cache.put("q", "r");
    EXPECT_EQ(cache.stats().entries, 0) << "a limit of none keeps none";
}

TEST_P(CacheCaps, closed_caches_say_so) {
    SemanticCache cache = open();
    cache.close();
    EXPECT_EQ(error_of([&] { cache.vacuum(); }).code, ErrorCode::closed);
    EXPECT_EQ(error_of([&] { cache.health(); }).code, ErrorCode::closed);
    EXPECT_EQ(error_of([&] { cache.namespaces(); }).code, ErrorCode::closed);
    EXPECT_EQ(error_of([&] { cache.clear_all(); }).code, ErrorCode::closed);
    EXPECT_EQ(error_of([&] { cache.set_quota("a", {.entries = 1}); }).code, ErrorCode::closed);
    EXPECT_EQ(error_of([&] { cache.limits(); }).code, ErrorCode::closed);
}

}  // namespace
}  // namespace stele
