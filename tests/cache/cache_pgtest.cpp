// What a cache does to its tables, and what that costs.
#include <gtest/gtest.h>

#include "any_cache.hpp"
#include "stele/semantic_cache.hpp"
#include "stele/testing.hpp"
#include "support/eventually.hpp"
#include "support/proxy.hpp"
#include "support/server.hpp"

namespace stele {
namespace {

using test::Server;
using testing::FakeEmbedder;

class CacheTest : public ::testing::Test {
protected:
    SemanticCache open(SemanticCacheOptions options = {}) { return SemanticCache(database, embedder, options); }
    std::int64_t number(const std::string& sql) { return database.query(Statement(sql))[0].get<std::int64_t>(0); }
    std::int64_t version() {
        return number("SELECT value::bigint FROM " + server.schema() +
                      ".multi_process_state WHERE key = 'version_counter'");
    }

    Server server;
    Database database = server.open();
    std::shared_ptr<FakeEmbedder> embedder = std::make_shared<FakeEmbedder>();
};

TEST_F(CacheTest, an_exact_hit_and_a_put_are_one_round_trip_each) {
    test::Proxy proxy(test::server_dsn());
    DatabaseOptions options = test::undisturbed(server.options(proxy.dsn()));
    options.max_connections = 1;
    Database through = Database::open(options);
    SemanticCache cache(through, embedder, {.access_times = AccessTimes::never});
    cache.put("question", "answer");
    cache.put("question", "answer", Scope("acme").with("model", "x"));
    test::settle(through);
    int before = proxy.requests();
    EXPECT_EQ(cache.get("question")->layer, HitLayer::exact);
    EXPECT_EQ(proxy.requests() - before, 1);
    EXPECT_EQ(cache.get("question")->layer, HitLayer::local);
    EXPECT_EQ(proxy.requests() - before, 1);
    before = proxy.requests();
    cache.put("another", "answer");
    EXPECT_EQ(proxy.requests() - before, 1);
    before = proxy.requests();
    cache.put("question", "answer", Scope("acme").with("model", "y"));
    EXPECT_EQ(proxy.requests() - before, 1);
}

TEST_F(CacheTest, mneme_043_the_version_counter_begins_at_zero) {
    EXPECT_EQ(version(), 0);
    SemanticCache cache = open();
    EXPECT_EQ(version(), 0) << "opening is no change";
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

TEST_F(CacheTest, mneme_034_accesses_are_noted_behind_the_call_whatever_layer_answered) {
    embedder->similar("paraphrase", "question", 0.95f);
    const std::string count = "SELECT access_count FROM " + server.schema() + ".entries";
    const std::string last = "SELECT last_accessed_at FROM " + server.schema() + ".entries";
    {
        SemanticCache cache = open();
        cache.put("question", "answer");
        database.execute(Statement("UPDATE " + server.schema() + ".entries SET last_accessed_at = 7"));
        for (int i = 0; i < 5; ++i) EXPECT_TRUE(cache.get("question"));
        EXPECT_TRUE(cache.get("paraphrase"));
        Transaction transaction = database.begin();
        EXPECT_TRUE(cache.in(transaction).get("question"));
        transaction.commit();
        transaction = database.begin();
        EXPECT_TRUE(cache.in(transaction).get("question"));
        transaction.rollback();
    }
    EXPECT_EQ(number(count), 7);
    EXPECT_GT(number(last), 7);
}

TEST_F(CacheTest, accesses_are_noted_before_the_close_where_calls_go_on) {
    SemanticCache cache = open();
    cache.put("question", "answer");
    const std::string count = "SELECT access_count FROM " + server.schema() + ".entries";
    EXPECT_TRUE(test::eventually([&] {
        cache.get("question");
        return number(count) > 2;
    }));
}

TEST_F(CacheTest, accesses_are_noted_within_the_call_or_not_at_all_where_that_is_wanted) {
    test::Proxy proxy(test::server_dsn());
    DatabaseOptions options = test::undisturbed(server.options(proxy.dsn()));
    options.max_connections = 1;
    Database through = Database::open(options);
    const std::string count = "SELECT access_count FROM " + server.schema() + ".entries";
    embedder->similar("paraphrase", "question", 0.95f);
    SemanticCache cache(through, embedder, {.access_times = AccessTimes::within_call});
    cache.put("question", "answer");
    test::settle(through);
    for (int i = 1; i <= 3; ++i) {
        const int before = proxy.requests();
        EXPECT_EQ(cache.get("question")->layer, HitLayer::exact);
        EXPECT_EQ(proxy.requests() - before, 1);
        EXPECT_EQ(number(count), i);
    }
    EXPECT_TRUE(cache.get("paraphrase"));
    EXPECT_EQ(number(count), 4);
    {
        SemanticCache silent(database, embedder, {.access_times = AccessTimes::never});
        EXPECT_TRUE(silent.get("question"));
    }
    EXPECT_EQ(number(count), 4);
}

TEST_F(CacheTest, mneme_035_an_access_of_an_entry_that_is_gone_changes_nothing) {
    SemanticCache cache = open();
    cache.put("question", "answer");
    EXPECT_TRUE(cache.get("question"));
    database.execute(Statement("DELETE FROM " + server.schema() + ".entries"));
    EXPECT_NO_THROW(cache.close());
    EXPECT_EQ(number("SELECT count(*) FROM " + server.schema() + ".entries"), 0);
}

TEST_F(CacheTest, an_access_is_no_change_and_everything_else_is_one) {
    const std::string changes = "SELECT count(*) FROM " + server.schema() + ".stele_changes WHERE store = 'cache'";
    const auto changed_by = [&](const std::string& set) {
        const std::int64_t before = number(changes);
        database.execute(Statement(Sql("UPDATE " + server.schema() + ".entries SET " + set)));
        return number(changes) - before;
    };
    SemanticCache cache = open();
    cache.put("question", "answer");
    EXPECT_EQ(number(changes), 1);
    EXPECT_EQ(changed_by("last_accessed_at = last_accessed_at + 1, access_count = access_count + 1"), 0);
    EXPECT_EQ(changed_by("response = 'another'"), 1);
    EXPECT_EQ(changed_by("metadata = '{}'"), 1);
    EXPECT_EQ(changed_by("ttl = 5"), 1);
    EXPECT_EQ(changed_by("created_at = 5"), 1);
    EXPECT_EQ(changed_by("embedding = ''"), 1);
    EXPECT_EQ(changed_by("namespace = 'moved'"), 2) << "here and there";
}

TEST_F(CacheTest, a_statement_that_changes_very_many_entries_is_noted_by_namespace) {
    const std::string table = server.schema() + ".entries";
    database.execute(Statement(
        Sql("INSERT INTO " + table +
            " (namespace, query_hash, query, response, embedding, metadata, created_at, last_accessed_at)"
            " SELECT 'many', i::text, i::text, '', 'not empty', '{}', 0, 0 FROM generate_series(1, 6000) i")));
    const std::string changes = "SELECT count(*) FROM " + server.schema() + ".stele_changes WHERE store = 'cache'";
    EXPECT_EQ(number(changes), 1);
    database.execute(Statement(Sql("DELETE FROM " + table + " WHERE id <= 100")));
    EXPECT_EQ(number(changes), 101);
    SemanticCache cache = open();
    EXPECT_EQ(cache.clear("many"), 5'900u);
    EXPECT_EQ(number(changes), 102);
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

}  // namespace
}  // namespace stele
