#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "stele/semantic_cache.hpp"
#include "support/in_threads.hpp"
#include "support/proxy.hpp"
#include "support/server.hpp"
#include "support/table_embedder.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::error_of;
using test::Server;
using test::TableEmbedder;

class CacheTest : public testing::Test {
protected:
    SemanticCache open(SemanticCacheOptions options = {}) { return SemanticCache(database, embedder, options); }
    std::int64_t number(const std::string& sql) { return database.query(Statement(sql))[0].get<std::int64_t>(0); }
    std::int64_t version() {
        return number("SELECT value::bigint FROM " + server.schema() +
                      ".multi_process_state WHERE key = 'version_counter'");
    }
    // moves an entry into the past, by the database's clock
    void age(const std::string& query, int seconds) {
        database.execute(
            Statement("UPDATE " + server.schema() + ".entries SET created_at = created_at - $1 WHERE query = $2",
                      seconds, query));
    }

    Server server;
    Database database = server.open();
    std::shared_ptr<TableEmbedder> embedder = std::make_shared<TableEmbedder>();
};

TEST_F(CacheTest, mneme_070_what_was_put_is_found_exactly_with_similarity_one) {
    SemanticCache cache = open();
    cache.put("How do I reset it?", "press", {}, {.metadata = Json::parse(R"({"tokens": 7})")});
    const std::optional<Hit> hit = cache.get("How do I reset it?");
    ASSERT_TRUE(hit);
    EXPECT_EQ(hit->response, "press");
    EXPECT_EQ(hit->query, "How do I reset it?");
    EXPECT_EQ(hit->layer, HitLayer::exact);
    EXPECT_EQ(hit->similarity, 1.0f);
    EXPECT_EQ(hit->metadata.text(), R"({"tokens": 7})");
    EXPECT_GT(hit->id, 0);
}

TEST_F(CacheTest, mneme_071_an_exact_hit_never_calls_the_embedder) {
    SemanticCache cache = open();
    cache.put("question", "answer");
    embedder->calls = 0;
    EXPECT_TRUE(cache.get("question"));
    EXPECT_EQ(embedder->calls, 0);
}

TEST_F(CacheTest, an_exact_hit_and_a_put_are_one_round_trip_each) {
    test::Proxy proxy(test::server_dsn());
    DatabaseOptions options = server.options(proxy.dsn());
    options.max_connections = 1;
    SemanticCache cache(Database::open(options), embedder);
    cache.put("question", "answer");
    cache.get("question");
    cache.put("question", "answer", Scope("acme").with("model", "x"));
    int before = proxy.requests();
    cache.get("question");
    EXPECT_EQ(proxy.requests() - before, 1);
    before = proxy.requests();
    cache.put("another", "answer");
    EXPECT_EQ(proxy.requests() - before, 1);
    before = proxy.requests();
    cache.put("question", "answer", Scope("acme").with("model", "y"));
    EXPECT_EQ(proxy.requests() - before, 1);
}

TEST_F(CacheTest, mneme_072_an_unknown_question_is_a_miss) {
    EXPECT_FALSE(open().get("never asked"));
}

TEST_F(CacheTest, mneme_073_case_and_blanks_do_not_matter_by_default) {
    SemanticCache cache = open();
    cache.put("How do I\treset it?", "press");
    const std::optional<Hit> hit = cache.get("  how DO i reset  IT? ");
    ASSERT_TRUE(hit);
    EXPECT_EQ(hit->layer, HitLayer::exact);
}

TEST_F(CacheTest, mneme_074_without_normalisation_case_matters) {
    SemanticCache cache = open({.normalize = false});
    cache.put("Polish", "the language");
    EXPECT_FALSE(cache.get("polish"));
    EXPECT_TRUE(cache.get("Polish"));
}

TEST_F(CacheTest, mneme_075_a_paraphrase_above_the_threshold_is_found_by_meaning) {
    embedder->similar("i forgot my password", "how do i reset it?", 0.93f);
    SemanticCache cache = open();
    cache.put("How do I reset it?", "press");
    const std::optional<Hit> hit = cache.get("I forgot my password");
    ASSERT_TRUE(hit);
    EXPECT_EQ(hit->response, "press");
    EXPECT_EQ(hit->layer, HitLayer::semantic);
    EXPECT_NEAR(hit->similarity, 0.93f, 1e-3f);
}

TEST_F(CacheTest, mneme_076_below_the_threshold_there_is_no_hit_unless_the_call_lowers_it) {
    embedder->similar("i forgot my password", "how do i reset it?", 0.7f);
    SemanticCache cache = open();
    cache.put("How do I reset it?", "press");
    EXPECT_FALSE(cache.get("I forgot my password"));
    EXPECT_TRUE(cache.get("I forgot my password", {}, {.similarity_threshold = 0.6f}));
}

TEST_F(CacheTest, mneme_077_a_callers_own_vectors_bypass_the_embedder) {
    SemanticCache cache = open();
    std::vector<float> vector(64, 0.0f);
    vector[3] = 5.0f;
    cache.put("question", "answer", {}, {.embedding = vector});
    EXPECT_TRUE(cache.get("quite another", {}, {.embedding = vector}));
    EXPECT_EQ(embedder->calls, 0);
}

TEST_F(CacheTest, mneme_080_bypass_looks_nowhere_and_counts_a_miss) {
    SemanticCache cache = open();
    cache.put("question", "answer");
    EXPECT_FALSE(cache.get("question", {}, {.bypass = true}));
    EXPECT_EQ(cache.stats().misses, 1);
}

TEST_F(CacheTest, mneme_081_an_entry_past_its_lifetime_is_not_served_by_either_layer) {
    embedder->similar("other words", "question", 0.95f);
    SemanticCache cache = open();
    cache.put("question", "answer", {}, {.ttl = 60s});
    EXPECT_TRUE(cache.get("question"));
    EXPECT_TRUE(cache.get("other words"));
    age("question", 60);
    EXPECT_FALSE(cache.get("question"));
    EXPECT_FALSE(cache.get("other words"));
    EXPECT_EQ(cache.stats().expirations, 1);
    EXPECT_EQ(cache.stats().entries, 0);
    cache.put("question", "new answer", {}, {.ttl = 60s});
    EXPECT_EQ(cache.get("other words")->response, "new answer");
}

TEST_F(CacheTest, mneme_082_083_a_lifetime_of_its_own_beats_the_default_and_so_does_none_at_all) {
    SemanticCache cache = open({.default_ttl = 100s});
    cache.put("default", "a");
    cache.put("short", "b", {}, {.ttl = 10s});
    cache.put("for ever", "c", {}, {.never_expires = true});
    for (const char* query : {"default", "short", "for ever"}) age(query, 50);
    EXPECT_TRUE(cache.get("default"));
    EXPECT_FALSE(cache.get("short"));
    for (const char* query : {"default", "for ever"}) age(query, 50);
    EXPECT_FALSE(cache.get("default"));
    EXPECT_TRUE(cache.get("for ever"));
}

TEST_F(CacheTest, mneme_024_a_second_put_replaces_the_answer_and_keeps_the_id) {
    SemanticCache cache = open();
    cache.put("question", "old");
    const std::int64_t id = cache.get("question")->id;
    age("question", 100);
    cache.put("QUESTION", "new");
    const Hit hit = *cache.get("question");
    EXPECT_EQ(hit.response, "new");
    EXPECT_EQ(hit.id, id);
    EXPECT_LT(hit.age, 50s);
    EXPECT_EQ(cache.stats().entries, 1);
}

TEST_F(CacheTest, mneme_044_045_the_version_counter_rises_with_every_put_and_every_real_removal) {
    SemanticCache cache = open();
    const std::int64_t before = version();
    cache.put("a", "1");
    EXPECT_EQ(version(), before + 1);
    cache.put("a", "2");
    EXPECT_EQ(version(), before + 2);
    EXPECT_FALSE(cache.remove("b"));
    EXPECT_EQ(version(), before + 2);
    EXPECT_TRUE(cache.remove("a"));
    EXPECT_EQ(version(), before + 3);
}

TEST_F(CacheTest, mneme_093_removes_exactly_one_entry_for_good) {
    embedder->similar("other words", "question", 0.95f);
    SemanticCache cache = open();
    cache.put("question", "answer");
    EXPECT_TRUE(cache.remove(" Question "));
    EXPECT_FALSE(cache.remove("question"));
    EXPECT_FALSE(cache.get("question"));
    EXPECT_FALSE(cache.get("other words"));
}

TEST_F(CacheTest, mneme_121_122_123_scopes_never_meet) {
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

TEST_F(CacheTest, a_scope_with_attributes_says_in_the_tables_what_it_stands_for) {
    SemanticCache cache = open();
    const Scope scope = Scope("acme").with("model", "small").with("lang", "de");
    cache.put("question", "answer", scope);
    cache.put("another", "answer", scope);
    const Rows rows =
        database.query(Statement("SELECT namespace, tenant, attributes FROM " + server.schema() + ".stele_scopes"));
    ASSERT_EQ(rows.size(), 1u);
    EXPECT_EQ(rows[0].get<std::string>("namespace"), scope.stored_namespace());
    EXPECT_EQ(rows[0].get<std::string>("tenant"), "acme");
    EXPECT_EQ(rows[0].get<Json>("attributes").text(), R"({"lang": "de", "model": "small"})");
}

TEST_F(CacheTest, mneme_104_counters_outlive_the_process_colons_included) {
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

TEST_F(CacheTest, mneme_105_a_failed_embedder_is_a_counted_miss_on_get_and_an_error_on_put) {
    SemanticCache cache = open();
    embedder->failing = true;
    EXPECT_FALSE(cache.get("question"));
    EXPECT_EQ(cache.stats().embedder_failures, 1);
    EXPECT_EQ(error_of([&] { cache.put("question", "answer"); }).code, ErrorCode::embedder_failed);
    EXPECT_EQ(cache.stats().entries, 0);
}

TEST_F(CacheTest, a_question_that_the_embedder_cut_is_found_by_its_wording_only) {
    embedder->longest = 10;
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

TEST_F(CacheTest, vectors_that_nobody_measured_need_a_threshold_from_the_caller) {
    class Unmeasured final : public Embedder {
    public:
        std::size_t dimension() const override { return table_.dimension(); }
        const std::string& fingerprint() const override { return table_.fingerprint(); }
        std::vector<Embedding> embed(std::span<const std::string_view> texts, Deadline deadline) override {
            return table_.embed(texts, deadline);
        }

    private:
        test::TableEmbedder table_;
    };
    SemanticCache cache(database, std::make_shared<Unmeasured>());
    cache.put("question", "answer");
    EXPECT_TRUE(cache.get("question"));
    const ErrorInfo error = error_of([&] { cache.get("another"); });
    EXPECT_EQ(error.code, ErrorCode::invalid_argument);
    EXPECT_THAT(error.message, ::testing::HasSubstr("'table:v1'"));
    EXPECT_FALSE(cache.get("another", {}, {.similarity_threshold = 0.9f}));
    EXPECT_EQ(error_of([&] {
                  SemanticCache(database, nullptr).get("another", {}, {.embedding = std::vector<float>(64, 1.0f)});
              }).code,
              ErrorCode::invalid_argument);
}

TEST_F(CacheTest, works_by_wording_alone_without_an_embedder_and_leaves_nothing_that_others_trip_over) {
    {
        SemanticCache wordless(database, nullptr);
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

TEST_F(CacheTest, without_an_embedder_the_first_callers_vector_says_how_long_all_are) {
    std::vector<float> vector(64, 0.0f);
    vector[3] = 1.0f;
    const std::vector<float> wrong(63, 1.0f);
    SemanticCache cache(database, nullptr, {.similarity_threshold = 0.9f});
    SemanticCache reader(database, nullptr, {.similarity_threshold = 0.9f});
    EXPECT_FALSE(reader.get("quite another", {}, {.embedding = vector}));
    cache.put("question", "answer", {}, {.embedding = vector});
    EXPECT_EQ(number("SELECT value::bigint FROM " + server.schema() + ".schema_meta WHERE key = 'embedder_dim'"), 64);
    EXPECT_TRUE(cache.get("quite another", {}, {.embedding = vector}));
    EXPECT_TRUE(reader.get("quite another", {}, {.embedding = vector}));
    for (SemanticCache* each : {&cache, &reader}) {
        EXPECT_EQ(error_of([&] { each->put("q", "a", {}, {.embedding = wrong}); }).code, ErrorCode::dimension_mismatch);
        EXPECT_EQ(error_of([&] { each->get("q", {}, {.embedding = wrong}); }).code, ErrorCode::dimension_mismatch);
    }
    EXPECT_EQ(cache.stats().entries, 1);
    EXPECT_EQ(error_of([&] { SemanticCache(database, std::make_shared<test::TableEmbedder>("other", 32)); }).code,
              ErrorCode::dimension_mismatch);
    EXPECT_NO_THROW(open());
}

TEST_F(CacheTest, the_second_of_two_first_vectors_of_different_lengths_is_refused) {
    SemanticCache one(database, nullptr), two(database, nullptr);
    one.put("question", "answer", {}, {.embedding = std::vector<float>(64, 1.0f)});
    EXPECT_EQ(error_of([&] { two.put("q", "a", {}, {.embedding = std::vector<float>(63, 1.0f)}); }).code,
              ErrorCode::dimension_mismatch);
    EXPECT_EQ(one.stats().entries, 1);
}

TEST_F(CacheTest, rows_without_a_vector_are_as_long_as_all_others_as_soon_as_that_length_is_known) {
    const auto other_lengths = [this] {
        return number("SELECT count(*) FROM " + server.schema() + ".entries WHERE octet_length(embedding) <> 256");
    };
    SemanticCache wordless(database, nullptr);
    wordless.put("before", "answer");
    EXPECT_EQ(other_lengths(), 1);
    SemanticCache cache = open();
    EXPECT_EQ(other_lengths(), 0);
    wordless.put("after", "answer");
    wordless.put("before", "another answer");
    EXPECT_EQ(other_lengths(), 0);
    EXPECT_FALSE(cache.get("anything", {}, {.similarity_threshold = -1.0f}));
}

TEST_F(CacheTest, mneme_103_is_closed_once_and_says_so_afterwards) {
    SemanticCache cache = open();
    cache.close();
    cache.close();
    EXPECT_EQ(error_of([&] { cache.get("question"); }).code, ErrorCode::closed);
    EXPECT_EQ(error_of([&] { cache.put("question", "answer"); }).code, ErrorCode::closed);
    EXPECT_EQ(error_of([&] { cache.stats(); }).code, ErrorCode::closed);
}

TEST_F(CacheTest, lists_a_scope_page_by_page_newest_first_and_ends) {
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
}

TEST_F(CacheTest, mneme_148_threads_share_it_without_losing_or_mixing_anything) {
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
