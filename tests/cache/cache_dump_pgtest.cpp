// pg_dump and pg_restore, which mneme names where its own snapshots end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "cache/any_cache.hpp"
#include "stele/semantic_cache.hpp"
#include "support/server.hpp"
#include "support/temporary_directory.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;

TEST(CacheDump, mneme_049_057_058_what_pg_dump_took_pg_restore_brings_back_to_processes_that_were_there_all_the_time) {
    test::Server server;
    const auto embedder = std::make_shared<testing::FakeEmbedder>();
    embedder->similar("other words", "question", 0.95f);
    embedder->similar("more words", "later", 0.95f);
    Database database = Database::open(test::undisturbed(server.options()));
    SemanticCache cache(database, embedder);
    const Scope scope = Scope("customer:42").with("model", "small");
    cache.put("question", "answer", scope, {.ttl = 1000s, .metadata = Json::parse(R"({"größe": [1, {}]})")});
    cache.set_quota("customer:42", {.entries = 5, .bytes = 100'000});
    EXPECT_TRUE(cache.get("question", scope));
    EXPECT_EQ(cache.stats(scope).hits_exact, 1);  // which saves it

    const test::TemporaryDirectory directory;
    const std::string file = (directory.path() / "cache.dump").string();
    const auto run = [&](const std::string& program, const std::string& arguments) {
        const std::string command = test::from_runner("STELE_TEST_PG_BINDIR") + "/" + program + " --dbname='" +
                                    test::server_dsn() + "' " + arguments;
        ASSERT_EQ(std::system(command.c_str()), 0) << command;
    };
    run("pg_dump", "--format=custom --schema=" + server.schema() + " --file='" + file + "'");

    cache.put("question", "changed since", scope);
    cache.put("later", "made since", scope);
    EXPECT_EQ(cache.get("other words", scope)->response, "changed since");
    EXPECT_EQ(cache.get("more words", scope)->response, "made since");
    run("pg_restore", "--clean --if-exists '" + file + "'");
    test::settle(database);
    EXPECT_EQ(cache.get("question", scope)->response, "answer");
    EXPECT_EQ(cache.get("other words", scope)->response, "answer");
    EXPECT_TRUE(same_value(cache.get("question", scope)->metadata, Json::parse(R"({"größe": [1, {}]})")));
    EXPECT_FALSE(cache.get("later", scope));
    EXPECT_FALSE(cache.get("more words", scope));
    SemanticCache fresh(server.open(), embedder);
    EXPECT_EQ(fresh.get("other words", scope)->response, "answer");
    EXPECT_EQ(fresh.list(scope)[0].ttl, 1000s);
    EXPECT_EQ(fresh.quota("customer:42"), (CacheQuota{.entries = 5, .bytes = 100'000}));
    EXPECT_GE(fresh.stats(scope).hits_exact, 1);
    EXPECT_EQ(fresh.namespaces()[0].tenant, "customer:42");
    EXPECT_TRUE(fresh.health().healthy);
}

}  // namespace
}  // namespace stele
