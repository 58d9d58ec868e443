// The vectors that one process leaves for the next.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "cache/any_cache.hpp"
#include "cache/entry_vector.hpp"
#include "cache/given.hpp"
#include "stele/copy.hpp"
#include "support/temporary_directory.hpp"

namespace stele {
namespace {

using test::vector_of;

constexpr int kRows = 3'000;

class CacheIndexSnapshot : public ::testing::Test {
protected:
    CacheIndexSnapshot() { fill(0, kRows, "default"); }

    void fill(int from, int to, const std::string& name_space) {
        SemanticCache(database, embedder).close();  // settles how long vectors are
        Transaction transaction = database.begin();
        CopyIn copy(transaction, {.name = "entries",
                                  .columns = {"namespace", "query_hash", "query", "response", "embedding", "metadata",
                                              "created_at", "last_accessed_at"},
                                  .schema = server.schema()});
        for (int i = from; i < to; ++i) {
            copy.add(name_space, hash_of(i), "q" + std::to_string(i), "r" + std::to_string(i),
                     encode_entry_vector(vector_of(i)), Json::object(), std::int64_t{0}, std::int64_t{0});
        }
        copy.finish();
        transaction.commit();
    }
    static std::string hash_of(int i) { return "hash " + std::to_string(i); }

    SemanticCacheOptions options(VectorFormat format = VectorFormat::float32) const {
        SemanticCacheOptions options;
        options.vector_format = format;
        options.index_snapshot = folder.path() / "vectors";
        return options;
    }
    /// As a process would that starts now, and ends with the call.
    std::string answer(int i, const SemanticCacheOptions& with, const Scope& scope = {}) {
        const Database own = Database::open(test::undisturbed(server.options()));
        SemanticCache cache(own, embedder, with);
        return ask(cache, i, scope);
    }
    std::string answer(int i) { return answer(i, options()); }
    static std::string ask(SemanticCache& cache, int i, const Scope& scope = {}) {
        const std::optional<Hit> hit = cache.get("asked", scope, {.embedding = vector_of(i)});
        return hit ? hit->response : "nothing";
    }
    std::vector<std::filesystem::path> files() const {
        std::vector<std::filesystem::path> all;
        for (const auto& entry : std::filesystem::directory_iterator(folder.path() / "vectors")) {
            if (entry.path().extension() == ".vectors") all.push_back(entry.path());
        }
        return all;
    }
    /// Changes the vector of a row as if it had been so always: who reads the tables finds it by another one.
    void swap_unnoticed(int i, int other) {
        Transaction transaction = database.begin();
        transaction.execute(Statement("SET LOCAL session_replication_role = replica"));
        transaction.execute(
            Statement(Sql("UPDATE " + server.schema() + ".entries SET embedding = $1 WHERE query_hash = $2"),
                      encode_entry_vector(vector_of(other)), hash_of(i)));
        transaction.commit();
    }

    test::Server server;
    test::TemporaryDirectory folder;
    Database database = server.open();
    std::shared_ptr<testing::FakeEmbedder> embedder = std::make_shared<testing::FakeEmbedder>();
};

TEST_F(CacheIndexSnapshot, the_next_process_maps_what_the_last_one_left) {
    EXPECT_EQ(answer(7), "r7");
    ASSERT_EQ(files().size(), 1U);
    swap_unnoticed(7, 99'999);
    EXPECT_EQ(answer(7), "r7") << "by the file's vector";
    EXPECT_EQ(answer(99'999), "nothing");
    std::filesystem::remove(files().front());
    EXPECT_EQ(answer(99'999), "r7") << "by that in the tables";
}

TEST_F(CacheIndexSnapshot, what_was_changed_since_is_read_from_the_tables) {
    EXPECT_EQ(answer(7), "r7");
    swap_unnoticed(1, 99'999);  // so that one sees where vectors come from
    database.execute(Statement(Sql("DELETE FROM " + server.schema() + ".entries WHERE query_hash = $1"), hash_of(7)));
    database.execute(Statement(Sql("UPDATE " + server.schema() + ".entries SET embedding = $1 WHERE query_hash = $2"),
                               encode_entry_vector(vector_of(80'000)), hash_of(8)));
    SemanticCache(database, embedder).put("new", "of another process", {}, {.embedding = vector_of(70'000)});
    EXPECT_EQ(answer(7), "nothing");
    EXPECT_EQ(answer(8), "nothing");
    EXPECT_EQ(answer(80'000), "r8");
    EXPECT_EQ(answer(70'000), "of another process");
    EXPECT_EQ(answer(1), "r1");
    EXPECT_EQ(answer(2'999), "r2999");
}

TEST_F(CacheIndexSnapshot, a_transaction_that_was_under_way_when_it_was_written_is_not_missed) {
    Transaction late = database.begin();
    late.execute(Statement(Sql("UPDATE " + server.schema() + ".entries SET embedding = $1 WHERE query_hash = $2"),
                           encode_entry_vector(vector_of(80'000)), hash_of(8)));
    EXPECT_EQ(answer(8), "r8");
    ASSERT_EQ(files().size(), 1U);
    late.commit();
    EXPECT_EQ(answer(80'000), "r8");
    EXPECT_EQ(answer(8), "nothing");
}

TEST_F(CacheIndexSnapshot, what_nobody_has_read_yet_when_it_is_written_is_read_by_the_next) {
    {
        const Database own = Database::open(test::undisturbed(server.options()));
        SemanticCache cache(own, embedder, options());
        EXPECT_EQ(ask(cache, 7), "r7");
        database.execute(
            Statement(Sql("UPDATE " + server.schema() + ".entries SET embedding = $1 WHERE query_hash = $2"),
                      encode_entry_vector(vector_of(80'000)), hash_of(7)));
        test::settle(own);  // it is told of the change, and is asked no more
    }
    EXPECT_EQ(answer(80'000), "r7");
    EXPECT_EQ(answer(7), "nothing");
}

TEST_F(CacheIndexSnapshot, a_file_that_is_damaged_too_old_or_of_cleared_entries_is_not_used) {
    EXPECT_EQ(answer(7), "r7");
    swap_unnoticed(7, 99'999);
    const auto flip = [&] {
        std::fstream file(files().front(), std::ios::binary | std::ios::in | std::ios::out);
        file.seekg(-5, std::ios::end);
        const char byte = static_cast<char>(file.get());
        file.seekp(-5, std::ios::end);
        file.put(static_cast<char>(byte ^ 1));
    };
    flip();
    EXPECT_EQ(answer(99'999), "r7") << "damaged";

    swap_unnoticed(7, 7);
    database.execute(Statement(
        Sql("UPDATE " + server.schema() +
            ".stele_change_log SET removed_up_to = (pg_current_xact_id()::text::bigint + 1000)::text::xid8")));
    EXPECT_EQ(answer(7), "r7") << "the log does not reach back so far";

    SemanticCache(database, embedder).clear({});
    EXPECT_EQ(answer(7), "nothing");
    fill(0, 2'000, "default");
    EXPECT_EQ(answer(1'999), "r1999");
}

TEST_F(CacheIndexSnapshot, each_scope_format_and_schema_has_a_file_of_its_own) {
    fill(10'000, 12'000, "other");
    for (const VectorFormat format : {VectorFormat::float32, VectorFormat::int8}) {
        EXPECT_EQ(answer(7, options(format)), "r7");
        EXPECT_EQ(answer(10'007, options(format), "other"), "r10007");
        EXPECT_EQ(answer(10'007, options(format)), "nothing");
    }
    EXPECT_EQ(files().size(), 4U);
    for (const VectorFormat format : {VectorFormat::float32, VectorFormat::int8}) {
        EXPECT_EQ(answer(7, options(format)), "r7");
        EXPECT_EQ(answer(10'007, options(format), "other"), "r10007");
        EXPECT_EQ(answer(10'007, options(format)), "nothing");
    }
    const test::Server another;
    const Database elsewhere = another.open();
    SemanticCache cache(elsewhere, embedder, options());
    EXPECT_EQ(ask(cache, 7), "nothing");
}

TEST_F(CacheIndexSnapshot, a_folder_that_cannot_be_made_is_an_error_when_the_cache_is_opened) {
    std::ofstream(folder.path() / "vectors") << "a file";
    const ErrorInfo error = test::error_of([&] { SemanticCache(database, embedder, options()); });
    EXPECT_EQ(error.code, ErrorCode::invalid_argument);
    EXPECT_THAT(error.message, ::testing::HasSubstr("index_snapshot"));
}

}  // namespace
}  // namespace stele
