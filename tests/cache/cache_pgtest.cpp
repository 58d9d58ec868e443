// What a cache does to its tables, and what that costs.
#include <gtest/gtest.h>

#include "stele/semantic_cache.hpp"
#include "stele/testing.hpp"
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
