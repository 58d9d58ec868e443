// The cache as one file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "any_cache.hpp"
#include "stele/cache_archive.hpp"
#include "stele/publications.hpp"
#include "stele/reembed.hpp"
#include "stele/semantic_cache.hpp"
#include "stele/testing.hpp"
#include "support/role.hpp"
#include "support/server.hpp"
#include "support/temporary_directory.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using test::error_of;
using ::testing::ElementsAre;
using testing::FakeEmbedder;
using ::testing::HasSubstr;

std::string read_file(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::stringstream all;
    all << in.rdbuf();
    return all.str();
}

void write_file(const std::filesystem::path& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
}

class CacheArchive : public ::testing::Test {
protected:
    CacheArchive() { embedder->similar("how do i get in?", "how do i reset my password?", 0.95F); }

    /// All rows of a table, as text, whatever their ids.
    static std::string rows(Database& database, const std::string& table) {
        const Statement all(
            "SELECT coalesce(string_agg((to_jsonb(t) - 'id')::text, E'\\n' ORDER BY (to_jsonb(t) - 'id')::text"
            " COLLATE \"C\"), '') FROM " +
            database.schema() + "." + table + " t");
        return database.query(all)[0].get<std::string>(0);
    }
    static constexpr const char* kTables[] = {
        "entries",        "stele_scopes",         "namespace_quotas", "stele_cache_limits",
        "cache_counters", "stele_cache_policies", "stele_heads"};
    void fill() {
        SemanticCache cache(source, embedder);
        cache.put("How do I reset my password?", "Press \"reset\".\nThen wait \u00e4\U0001F600.", {}, {.ttl = 24h});
        cache.put("In which year?", "2024", Scope("acme").with("model", "m-7b"),
                  {.metadata = Json::parse(R"({"a": {"b": [1, 2.50, null, "\u00e9\n"]}})")});
        cache.put("a", "b", Scope("x:y"));
        cache.set_quota("acme", {.entries = 100, .bytes = 1'000'000});
        cache.set_limits({.entries = 5000});
        cache.get("a", Scope("x:y"));
        cache.get("unknown", Scope("x:y"));
        cache.close();
    }

    test::Server source_server, target_server;
    Database source = source_server.open(), target = target_server.open();
    std::shared_ptr<FakeEmbedder> embedder = std::make_shared<FakeEmbedder>();
    test::TemporaryDirectory directory;
    const std::filesystem::path file = directory.path() / "cache.stele";
};

TEST_F(CacheArchive, mneme_153_the_file_is_there_for_its_owner_only_with_manifest_and_store) {
    fill();
    ::umask(0);
    export_cache(source, file);
    struct stat found{};
    ASSERT_EQ(::stat(file.c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 07777U, 0600U);
    std::istringstream lines(read_file(file));
    std::string manifest, row;
    std::getline(lines, manifest);
    std::getline(lines, row);
    EXPECT_THAT(manifest, HasSubstr("stele cache archive"));
    EXPECT_THAT(row, HasSubstr("stele_scopes"));
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory.path()), {}), 1) << "nothing else is left";
}

TEST_F(CacheArchive, mneme_154_a_round_trip_keeps_entries_namespaces_metadata_counters_and_vectors) {
    fill();
    std::vector<ArchiveProgress> told;
    export_cache(source, file, {.on_progress = [&](const ArchiveProgress& progress) { told.push_back(progress); }});
    ASSERT_FALSE(told.empty());
    EXPECT_EQ(told.back().done, told.back().all);
    const ImportedCache imported = import_cache(target, file);
    EXPECT_EQ(imported.entries, 3U);
    EXPECT_EQ(imported.evicted, 0U);
    for (const char* table : kTables) EXPECT_EQ(rows(target, table), rows(source, table)) << table;
    SemanticCache cache(target, embedder);
    EXPECT_EQ(cache.get("how do i get in?").value().layer, HitLayer::semantic);
    EXPECT_EQ(cache.get("in which year?", Scope("acme").with("model", "m-7b")).value().response, "2024");
    EXPECT_EQ(cache.stats(Scope("x:y")).misses, 1);
    EXPECT_EQ(cache.stats().bytes, SemanticCache(source, embedder).stats().bytes);
    EXPECT_TRUE(cache.health().healthy);
}

TEST_F(CacheArchive, tags_and_what_answers_were_made_from_come_along_with_their_entries) {
    Publications(source).publish("document", "terms", "7");
    SemanticCache cache(source, embedder);
    cache.put("q", "r", {}, {.tags = {"a", "b"}, .depends_on = {{"document", "terms", "7"}}});
    cache.put("only tagged", "r", {}, {.tags = {"a"}});
    cache.put("there", "theirs", {}, {.tags = {"theirs"}});
    cache.put("plain", "r");
    cache.set_policy("acme", {.similarity_threshold = 0.9f, .default_ttl = 77s});
    export_cache(source, file);

    SemanticCache other(target, embedder);
    other.put("there", "its own", {}, {.tags = {"own"}});
    import_cache(target, file, {.existing = ExistingEntries::keep});
    EXPECT_EQ(other.policies(), cache.policies());
    EXPECT_EQ(other.get("there")->response, "its own");
    EXPECT_EQ(other.remove_tagged("theirs"), 0U);
    EXPECT_EQ(other.get("q")->response, "r");
    Publications(target).publish("document", "terms", "8");
    EXPECT_EQ(other.look_up("q").miss, MissReason::outdated);
    EXPECT_EQ(other.remove_tagged("a"), 2U);
    EXPECT_EQ(other.remove_tagged("own"), 1U);

    import_cache(target, file, {.existing = ExistingEntries::replace});
    EXPECT_EQ(Publications(target).current("document", "terms"), "7");
    EXPECT_TRUE(other.get("q"));
    EXPECT_EQ(other.remove_tagged("theirs"), 1U);
}

TEST_F(CacheArchive, mneme_155_what_is_no_whole_archive_of_these_vectors_is_refused_and_changes_nothing) {
    fill();
    export_cache(source, file);
    const std::string whole = read_file(file);
    SemanticCache(target, embedder).put("kept", "r");
    const std::string before = rows(target, "entries");
    const auto code_of = [&](const std::string& text) {
        write_file(file, text);
        return error_of([&] { import_cache(target, file, {.existing = ExistingEntries::replace}); }).code;
    };
    EXPECT_EQ(code_of(whole.substr(0, whole.size() / 2)), ErrorCode::invalid_argument);
    EXPECT_EQ(code_of("nothing"), ErrorCode::invalid_argument);
    std::string damaged = whole;
    damaged[whole.find("Press")] = 'D';
    EXPECT_EQ(code_of(damaged), ErrorCode::invalid_argument);
    EXPECT_EQ(error_of([&] { import_cache(target, directory.path() / "none"); }).code, ErrorCode::invalid_argument);
    EXPECT_EQ(error_of([&] { import_cache(target, directory.path()); }).code, ErrorCode::invalid_argument);

    write_file(file, whole);
    const auto settings = [&](const std::string& fingerprint, const std::string& dimension) {
        target.execute(Statement("UPDATE " + target.schema() +
                                     ".schema_meta SET value = CASE key WHEN 'embedder_dim' THEN $1"
                                     " ELSE $2 END WHERE key LIKE 'embedder%'",
                                 dimension, fingerprint));
        return error_of([&] { import_cache(target, file, {.existing = ExistingEntries::keep}); });
    };
    const ErrorInfo other = settings("other:v1", "64");
    EXPECT_EQ(other.code, ErrorCode::fingerprint_mismatch);
    EXPECT_THAT(other.message, HasSubstr("reembed"));
    EXPECT_EQ(settings("fake:v1", "32").code, ErrorCode::dimension_mismatch);
    EXPECT_EQ(rows(target, "entries"), before);
    EXPECT_EQ(check_cache_archive(file).rows.at("entries"), 3U);
}

TEST_F(CacheArchive, mneme_156_the_manifest_has_the_nine_keys) {
    fill();
    const CacheManifest made = export_cache(source, file);
    const auto line = nlohmann::json::parse(read_file(file).substr(0, read_file(file).find('\n')));
    EXPECT_EQ(line.at("format_version"), 1);
    EXPECT_EQ(line.at("schema_version"), 1);
    EXPECT_EQ(line.at("embedder_fingerprint"), "fake:v1");
    EXPECT_EQ(line.at("embedder_dim"), 64);
    EXPECT_EQ(line.at("index_backend"), "flat");
    EXPECT_EQ(line.at("store_backend"), "postgres");
    EXPECT_EQ(line.at("vector_dtype"), "float32");
    EXPECT_EQ(line.at("created_at"), made.created_at.time_since_epoch().count());
    const std::string scoped = Scope("acme").with("model", "m-7b").stored_namespace();
    EXPECT_THAT(line.at("namespaces").get<std::vector<std::string>>(), ElementsAre(scoped, "default", "x:y"));
}

TEST_F(CacheArchive, in_a_cache_that_is_not_empty_it_must_be_said_what_becomes_of_that) {
    fill();
    export_cache(source, file);
    SemanticCache cache(target, embedder);
    cache.put("how do i reset my password?", "Ask.");
    cache.put("other", "r");
    cache.set_quota("acme", {.entries = 7});
    const ErrorInfo refused = error_of([&] { import_cache(target, file); });
    EXPECT_EQ(refused.code, ErrorCode::invalid_argument);
    EXPECT_THAT(refused.message, HasSubstr("holds entries already"));

    EXPECT_EQ(import_cache(target, file, {.existing = ExistingEntries::keep}).entries, 2U);
    test::settle(target);
    EXPECT_EQ(cache.get("How do I reset my password?").value().response, "Ask.");
    EXPECT_EQ(cache.quota("acme").value().entries, 7U);
    EXPECT_EQ(cache.stats().entries, 4);

    EXPECT_EQ(import_cache(target, file, {.existing = ExistingEntries::replace}).entries, 3U);
    test::settle(target);
    EXPECT_THAT(cache.get("How do I reset my password?").value().response, HasSubstr("Press"));
    EXPECT_EQ(cache.get("other").value().response, "r");
    EXPECT_EQ(cache.quota("acme").value().entries, 100U);
    EXPECT_TRUE(cache.health().integrity_ok);
}

TEST_F(CacheArchive, another_process_finds_by_meaning_what_was_imported) {
    fill();
    export_cache(source, file);
    SemanticCache cache(target, embedder);
    EXPECT_FALSE(cache.get("how do i get in?"));
    Database importing = target_server.open();
    import_cache(importing, file, {.existing = ExistingEntries::replace});
    test::settle(target);
    EXPECT_EQ(cache.get("how do i get in?").value().layer, HitLayer::semantic);
}

TEST_F(CacheArchive, a_cache_that_was_moved_to_the_embedder_of_the_archive_takes_it) {
    fill();
    export_cache(source, file);
    const auto other =
        std::make_shared<FakeEmbedder>(testing::FakeEmbedderOptions{.dimension = 32, .fingerprint = "other:v1"});
    SemanticCache(target, other).put("kept", "r");
    const ImportCacheOptions keep{.existing = ExistingEntries::keep};
    EXPECT_EQ(error_of([&] { import_cache(target, file, keep); }).code, ErrorCode::fingerprint_mismatch);
    reembed(target, *embedder);
    EXPECT_EQ(import_cache(target, file, keep).entries, 3U);
    EXPECT_TRUE(SemanticCache(target, embedder).get("how do i get in?"));
}

TEST_F(CacheArchive, quotas_hold_for_what_is_imported) {
    fill();
    SemanticCache(source, embedder).set_quota("x:y", {.entries = 3});
    export_cache(source, file);
    const std::string quotas = source.schema() + ".namespace_quotas";
    SemanticCache cache(target, embedder);
    cache.set_quota("x:y", {.entries = 1});
    cache.put("first", "r", Scope("x:y"));
    const ImportedCache imported = import_cache(target, file, {.existing = ExistingEntries::keep});
    EXPECT_EQ(imported.evicted, 1U);
    EXPECT_EQ(cache.stats(Scope("x:y")).entries, 1);
    EXPECT_EQ(cache.stats().evictions, 1);
}

TEST_F(CacheArchive, an_export_is_of_one_moment_and_bounded_memory_suffices_for_many_entries) {
    SemanticCache cache(source, embedder);
    cache.put("first", "r");
    source.execute(
        Statement("INSERT INTO " + source.schema() +
                  ".entries (namespace, query_hash, query, response, embedding, metadata, created_at,"
                  " last_accessed_at) SELECT 'many', md5(n::text), n::text, repeat('x', 1000), '', '{}', n, n"
                  " FROM generate_series(1, 3000) n"));
    bool put = false;
    export_cache(source, file, {.on_progress = [&](const ArchiveProgress&) {
                     if (!put) cache.put("meanwhile", "r");
                     put = true;
                 }});
    EXPECT_TRUE(put);
    EXPECT_EQ(import_cache(target, file).entries, 3001U);
    EXPECT_EQ(target
                  .query(Statement("SELECT count(*) FROM " + target.schema() +
                                   ".entries WHERE octet_length(embedding) = 256"))[0]
                  .get<std::int64_t>(0),
              3001)
        << "those without a vector have got zeros";
}

TEST_F(CacheArchive, an_export_that_fails_leaves_the_file_before_it) {
    fill();
    write_file(file, "old");
    struct Stop {};
    EXPECT_THROW(export_cache(source, file, {.on_progress = [](const ArchiveProgress&) { throw Stop(); }}), Stop);
    EXPECT_EQ(read_file(file), "old");
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory.path()), {}), 1);
    EXPECT_EQ(error_of([&] { export_cache(source, directory.path() / "none" / "file"); }).code, ErrorCode::unavailable);
}

TEST_F(CacheArchive, a_role_with_rights_on_data_alone_exports_and_imports) {
    fill();
    test::Role role(target, "archivist_" + target.schema());
    for (const std::string& schema : {source.schema(), target.schema()}) {
        role.execute("GRANT USAGE ON SCHEMA " + schema + " TO " + role.name());
        role.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA " + schema + " TO " + role.name());
        role.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA " + schema + " TO " + role.name());
    }
    const auto as_role = [&](const test::Server& server) {
        DatabaseOptions options = role.assumed(server.options());
        options.migrate = false;
        return Database::open(options);
    };
    Database from = as_role(source_server), to = as_role(target_server);
    export_cache(from, file);
    EXPECT_EQ(import_cache(to, file).entries, 3U);
}

}  // namespace
}  // namespace stele
