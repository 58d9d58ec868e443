// What is asked of every place in which answers are kept: tables, memory, tables as a transaction sees them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <type_traits>

#include "cache/any_cache.hpp"
#include "stele/semantic_cache.hpp"
#include "stele/transaction.hpp"
#include "support/in_threads.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::error_of;
using test::On;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CacheStores : public test::AnyCache {};

INSTANTIATE_TEST_SUITE_P(Cache, CacheStores, ::testing::Values(On::database, On::memory), test::name_of);

std::string told(const Lookup& lookup) {
    if (!lookup.hit) return "miss " + std::string(to_string(lookup.miss.value()));
    const std::string_view layer = lookup.hit->layer == HitLayer::semantic ? "like " : "same ";
    return std::string(layer) + lookup.hit->query + " " + lookup.hit->response + " " + lookup.hit->metadata.text();
}

/// A call of every kind, and what came of each.
std::vector<std::string> every_call(SemanticCache& cache) {
    std::vector<std::string> all;
    const Scope scope = Scope("acme").with("model", "small");
    cache.put("Question", "answer", scope, {.metadata = Json::parse(R"({"a": 1})")});
    cache.put("another", "other", "zenith", {.ttl = 100s});
    cache.put("another", "other, again", "zenith");
    all.push_back(told(cache.look_up(" question ", scope)));
    all.push_back(told(cache.look_up("other words", scope)));
    all.push_back(told(cache.look_up("other words", "acme")));
    all.push_back(told(cache.look_up("another", "zenith")));
    all.push_back(told(cache.look_up("another", "zenith", {.bypass = true})));
    all.push_back(std::to_string(cache.explain("other words", scope).candidates.size()) + " candidate");
    for (const CacheNamespace& each : cache.namespaces()) {
        all.push_back(each.stored_namespace + " " + std::to_string(each.entries) + " " + std::to_string(each.bytes));
    }
    for (const CacheEntry& each : cache.entries({}, {.text = "other"})) all.push_back(each.query);
    all.push_back(std::to_string(cache.list(scope).size()));
    cache.set_quota("acme", {.entries = 5});
    all.push_back(std::to_string(cache.quota("acme")->entries.value()));
    all.push_back(std::to_string(cache.quotas().size()));
    all.push_back(cache.remove_quota("acme") ? "had a quota" : "had none");
    cache.set_limits({.bytes = 1'000'000});
    all.push_back(std::to_string(cache.limits().bytes.value()));
    all.push_back(std::to_string(cache.vacuum()) + " expired");
    all.push_back(cache.health().integrity_ok ? "sound" : "unsound");
    all.push_back(std::to_string(cache.stats().entries) + " entries");
    all.push_back(cache.remove("another", "zenith") ? "removed" : "not there");
    all.push_back(cache.remove("another", "zenith") ? "removed" : "not there");
    all.push_back(std::to_string(cache.clear(scope)) + " cleared");
    cache.put("last", "r");
    all.push_back(std::to_string(cache.clear_all()) + " of all");
    return all;
}

TEST(CachePlaces, mneme_015_112_the_same_calls_do_the_same_on_tables_in_memory_and_in_a_transaction) {
    const auto embedder = std::make_shared<testing::FakeEmbedder>();
    embedder->similar("other words", "question", 0.95f);
    test::Server server, joined;
    SemanticCache tables(server.open(), embedder);
    SemanticCache memory = SemanticCache::in_memory(MemoryDatabase(), embedder);
    Database database = joined.open();
    SemanticCache outside(database, embedder);
    Transaction transaction = database.begin();
    SemanticCache inside = outside.in(transaction);
    const std::vector<std::string> expected = every_call(memory);
    EXPECT_THAT(expected, ::testing::Contains(R"(like Question answer {"a": 1})"));
    EXPECT_EQ(every_call(tables), expected);
    EXPECT_EQ(every_call(inside), expected);
    transaction.commit();
    EXPECT_EQ(outside.stats().entries, 0);
}

TEST_P(CacheStores, mneme_048_050_a_fresh_place_is_empty_and_sound) {
    SemanticCache cache = open();
    EXPECT_EQ(cache.stats().entries, 0);
    EXPECT_THAT(cache.namespaces(), IsEmpty());
    EXPECT_THAT(cache.list(), IsEmpty());
    const CacheHealth health = cache.health();
    EXPECT_TRUE(health.integrity_ok);
    EXPECT_TRUE(health.healthy);
    EXPECT_FALSE(health.oldest_entry_age);
}

TEST_P(CacheStores, mneme_026_056_metadata_come_back_as_they_were_however_deep_and_in_any_script) {
    embedder->similar("other words", "question", 0.95f);
    const Json metadata = Json::parse(
        R"({"a": {"b": [1, -2.5, 1e3, true, null, {"c": {}}], "größe": "日本語"}, "😀": "\u0001\"\\", "": []})");
    SemanticCache cache = open();
    cache.put("question", "answer", {}, {.metadata = metadata});
    EXPECT_TRUE(same_value(cache.get("question")->metadata, metadata));
    EXPECT_TRUE(same_value(cache.get("other words")->metadata, metadata));
    EXPECT_TRUE(same_value(cache.list()[0].metadata, metadata));
    EXPECT_TRUE(same_value(open().get("question")->metadata, metadata));
}

TEST_P(CacheStores, mneme_032_033_entries_are_listed_by_their_ids_and_from_one_on) {
    SemanticCache cache = open();
    for (int i = 0; i < 7; ++i) cache.put("q" + std::to_string(i), "r");
    cache.put("q2", "replaced");  // keeps its id
    const std::vector<CacheEntry> all = cache.list();
    ASSERT_EQ(all.size(), 7U);
    for (std::size_t i = 1; i < all.size(); ++i) EXPECT_LT(all[i].id, all[i - 1].id);
    for (const CacheEntry& entry : cache.list({}, 50, all[3].id)) EXPECT_LT(entry.id, all[3].id);
    EXPECT_EQ(cache.list({}, 50, all[3].id).size(), 3U);
    EXPECT_THAT(cache.list({}, 50, all[6].id), IsEmpty());
}

TEST_P(CacheStores, mneme_046_047_what_is_settled_of_the_vectors_is_told_and_never_overwritten) {
    {
        SemanticCache wordless = open(nullptr);
    }
    EXPECT_TRUE(open(nullptr).health().embedder_fingerprint_match) << "nothing is settled yet";
    {
        SemanticCache settling = open();
    }
    const auto other = std::make_shared<testing::FakeEmbedder>(testing::FakeEmbedderOptions{.fingerprint = "other:v1"});
    for (int i = 0; i < 2; ++i) {
        EXPECT_THAT(error_of([&] { open(other); }).message, HasSubstr("'fake:v1'"));
    }
    EXPECT_TRUE(open().health().embedder_fingerprint_match);
}

TEST_P(CacheStores, mneme_053_what_was_put_is_there_when_the_cache_is_opened_again) {
    embedder->similar("other words", "question", 0.95f);
    {
        SemanticCache cache = open();
        cache.put("question", "answer", "acme", {.ttl = 1000s});
    }
    SemanticCache cache = open();
    EXPECT_EQ(cache.get("question", "acme")->response, "answer");
    EXPECT_EQ(cache.get("other words", "acme")->response, "answer");
    EXPECT_EQ(cache.list("acme")[0].ttl, 1000s);
}

// A cache is made open, from one Database or one MemoryDatabase, or it is not made.
static_assert(!std::is_default_constructible_v<SemanticCache>);
static_assert(!std::is_constructible_v<SemanticCache, std::shared_ptr<Embedder>>);
static_assert(!std::is_constructible_v<SemanticCache, MemoryDatabase, std::shared_ptr<Embedder>>);
static_assert(!std::is_constructible_v<SemanticCache, Database, Database, std::shared_ptr<Embedder>>);

TEST(CachePlaces, mneme_051_060_061_062_a_cache_has_one_database_which_outlives_it_and_is_never_half_open) {
    test::Server server;
    Database database = server.open();
    const auto embedder = std::make_shared<testing::FakeEmbedder>();
    {
        SemanticCache cache(database, embedder);
        cache.put("question", "answer");
        cache.close();
        EXPECT_EQ(error_of([&] { cache.get("question"); }).code, ErrorCode::closed);
        EXPECT_EQ(database.query("SELECT 1")[0].get<int>(0), 1);
    }
    const auto other = std::make_shared<testing::FakeEmbedder>(testing::FakeEmbedderOptions{.fingerprint = "other:v1"});
    EXPECT_EQ(error_of([&] { SemanticCache refused(database, other); }).code, ErrorCode::fingerprint_mismatch);
    EXPECT_EQ(database.pool().in_use, 0U) << "what could not be opened keeps no connection";
    SemanticCache again(database, embedder);
    EXPECT_EQ(again.get("question")->response, "answer");
}

TEST_P(CacheStores, health_names_the_index_and_the_store) {
    const CacheHealth health = open().health();
    EXPECT_EQ(health.index_backend, "flat");
    EXPECT_EQ(health.store_backend, GetParam() == On::database ? "postgres" : "memory");
    EXPECT_EQ(health.vector_dtype, "float32");
}

TEST_P(CacheStores, mneme_149_every_get_of_every_thread_is_counted_as_a_hit_or_as_a_miss) {
    constexpr int kThreads = 8, kRounds = 200;
    SemanticCache cache = open();
    test::in_threads(kThreads, [&](int t) {
        for (int i = 0; i < kRounds; ++i) {
            const std::string question = "t" + std::to_string(t) + " q" + std::to_string(i % 50);
            if (i % 3 != 0)
                cache.put(question, "answer of " + question, {}, {.embedding = std::vector<float>(64, 1.0f)});
            const std::optional<Hit> hit = cache.get(question, {}, {.similarity_threshold = 1.0f});
            if (hit && hit->layer != HitLayer::semantic) {
                EXPECT_EQ(hit->response, "answer of " + question);
            }
        }
    });
    const CacheStats stats = cache.stats();
    EXPECT_EQ(stats.hits_exact + stats.hits_semantic + stats.misses, kThreads * kRounds);
    EXPECT_GT(stats.hits_exact, kThreads * kRounds / 2);
}

TEST_P(CacheStores, mneme_151_fifty_callers_at_once_are_all_answered) {
    embedder->similar("other words", "question", 0.95f);
    SemanticCache cache = open();
    cache.put("question", "answer");
    test::in_threads(50, [&](int t) {
        const std::optional<Hit> hit = cache.get(t % 2 == 0 ? "question" : "other words");
        ASSERT_TRUE(hit) << t;
        EXPECT_EQ(hit->response, "answer");
    });
    EXPECT_EQ(cache.stats().hits_exact, 25);
    EXPECT_EQ(cache.stats().hits_semantic, 25);
}

/// Is given up in the middle of its work.
class GivesUp final : public Embedder {
public:
    std::size_t dimension() const override { return 64; }
    const std::string& fingerprint() const override { return fingerprint_; }
    std::optional<float> threshold() const override { return 0.85f; }
    std::vector<Embedding> embed(std::span<const std::string_view>, Deadline) override {
        raise(ErrorCode::cancelled, "the caller waits no longer");
    }

private:
    std::string fingerprint_ = "fake:v1";
};

TEST_P(CacheStores, mneme_152_a_put_that_is_given_up_while_it_is_embedded_leaves_nothing) {
    SemanticCache cache = open(std::make_shared<GivesUp>());
    EXPECT_EQ(error_of([&] { cache.put("question", "answer"); }).code, ErrorCode::cancelled);
    EXPECT_EQ(cache.stats().entries, 0);
    EXPECT_FALSE(cache.get("question"));
    cache.put("question", "answer", {}, {.embedding = std::vector<float>(64, 1.0f)});
    EXPECT_EQ(cache.get("question")->response, "answer");
}

TEST_P(CacheStores, mneme_161_what_is_told_has_mnemes_fields_and_every_failure_is_an_error_of_steles) {
    SemanticCache cache = open();
    cache.put("question", "answer", "acme", {.ttl = 60s, .metadata = Json::parse(R"({"a": 1})")});
    const Hit hit = *cache.get("question", "acme");
    EXPECT_EQ(std::tie(hit.response, hit.similarity, hit.layer), std::make_tuple("answer", 1.0f, HitLayer::exact));
    EXPECT_NEAR(hit.confidence, 1.0f, 0.01f);
    EXPECT_LT(hit.age, 60s);
    EXPECT_EQ(hit.metadata.text(), R"({"a": 1})");
    const CacheStats stats = cache.stats(Scope("acme"));
    EXPECT_EQ(std::tie(stats.entries, stats.hits_exact, stats.hits_semantic, stats.misses, stats.evictions,
                       stats.expirations),
              std::make_tuple(1, 1, 0, 0, 0, 0));
    EXPECT_GE(stats.index_bytes, 0U);
    const CacheHealth health = cache.health();
    EXPECT_EQ(std::tie(health.healthy, health.schema_version, health.integrity_ok, health.embedder_fingerprint_match,
                       health.entries, health.namespaces),
              std::make_tuple(true, 1, true, true, 1, 1U));
    EXPECT_LT(health.oldest_entry_age.value(), 60s);
    const CacheEntry entry = cache.list("acme")[0];
    EXPECT_EQ(std::tie(entry.stored_namespace, entry.query, entry.response),
              std::make_tuple("acme", "question", "answer"));
    EXPECT_GT(entry.id, 0);
    EXPECT_EQ(entry.ttl, 60s);

    static_assert(std::is_base_of_v<std::exception, Error>);
    EXPECT_THROW(cache.put("q\xff", "a"), Error);
    EXPECT_THROW(cache.put("q", "a", {}, {.embedding = std::vector<float>(3, 1.0f)}), Error);
    EXPECT_THROW(cache.put(std::string(40'000, 'q'), "a"), Error);
    EXPECT_THROW(cache.set_similarity_threshold(2.0f), Error);
    EXPECT_THROW(cache.set_quota("acme", {}), Error);
    embedder->fail(1);
    EXPECT_THROW(cache.put("q", "a"), Error);
    cache.close();
    EXPECT_THROW(cache.get("q"), Error);
}

}  // namespace
}  // namespace stele
