// The vectors in memory: their formats, what is left of removed ones, how much they may take, on a database and in
// memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "cache/any_cache.hpp"
#include "cache/entry_vector.hpp"
#include "cache/given.hpp"
#include "stele/copy.hpp"
#include "support/eventually.hpp"

namespace stele {
namespace {

using test::On;
using test::vector_of;
using ::testing::SizeIs;

constexpr VectorFormat kFormats[] = {VectorFormat::float32, VectorFormat::float16, VectorFormat::int8};

class CacheIndex : public test::AnyCache {
protected:
    CacheIndex() {
        if (GetParam() == On::database) database = Database::open(test::undisturbed(server.options()));
    }
    static std::string name(int i) { return "q" + std::to_string(i); }
    static void put(SemanticCache& cache, int i, const Scope& scope = {}) {
        cache.put(name(i), "r" + std::to_string(i), scope, {.embedding = vector_of(i)});
    }
    /// By meaning.
    static std::optional<Hit> find(SemanticCache& cache, int i, const Scope& scope = {}) {
        return cache.get("asked otherwise", scope, {.embedding = vector_of(i)});
    }
    static std::string answer(SemanticCache& cache, int i, const Scope& scope = {}) {
        const std::optional<Hit> hit = find(cache, i, scope);
        return hit ? hit->response : "nothing";
    }
};

INSTANTIATE_TEST_SUITE_P(Cache, CacheIndex, ::testing::Values(On::database, On::memory), test::name_of);

TEST_P(CacheIndex, mneme_115_116_compact_gives_back_what_removed_entries_left) {
    SemanticCache cache = open();
    EXPECT_EQ(cache.compact(), 0U);
    for (int i = 0; i < 50; ++i) put(cache, i);
    EXPECT_EQ(answer(cache, 0), "r0");
    for (int i = 0; i < 40; ++i) cache.remove(name(i));
    EXPECT_EQ(answer(cache, 45), "r45");
    EXPECT_EQ(cache.stats().index_tombstones, 40U);
    EXPECT_EQ(cache.compact("elsewhere"), 0U);
    EXPECT_EQ(cache.compact(), 40U);
    EXPECT_EQ(cache.stats().index_tombstones, 0U);
    EXPECT_EQ(cache.stats().index_rows, 10U);
    EXPECT_EQ(answer(cache, 45), "r45");
    EXPECT_EQ(answer(cache, 5), "nothing");
}

// hnswlib is compiled in, so that it cannot be missing; and every format will do.
TEST_P(CacheIndex, mneme_113_health_names_the_graph_that_was_chosen_and_it_finds_what_a_scan_does) {
    for (const VectorFormat format : kFormats) {
        SemanticCache cache = open({.similarity_threshold = 0.9f,
                                    .vector_format = format,
                                    .index_backend = IndexBackend::graph,
                                    .graph = {.from_rows = 100}});
        for (int i = 0; i < 300; ++i) put(cache, i);
        EXPECT_EQ(answer(cache, 5), "r5");
        if (GetParam() == On::memory) {
            EXPECT_EQ(cache.health().index_backend, "flat") << "the twin looks at every vector";
        } else {
            EXPECT_TRUE(test::eventually([&] { return cache.health().index_backend == "graph"; }));
        }
        for (int i = 0; i < 300; ++i) ASSERT_EQ(answer(cache, i), "r" + std::to_string(i));
        put(cache, 300);
        cache.remove(name(7));
        EXPECT_EQ(answer(cache, 300), "r300");
        EXPECT_EQ(answer(cache, 7), "nothing");
        if (database) {
            Transaction transaction = database->begin();
            SemanticCache inside = cache.in(transaction);
            EXPECT_EQ(answer(inside, 8), "r8");
            EXPECT_EQ(answer(inside, 7), "nothing");
        }
        cache.clear_all();
        EXPECT_EQ(answer(cache, 8), "nothing");
        cache.close();
    }
    SemanticCache flat = open({.similarity_threshold = 0.9f, .index_backend = IndexBackend::flat});
    put(flat, 1);
    EXPECT_EQ(answer(flat, 1), "r1");
    EXPECT_EQ(flat.health().index_backend, "flat");
}

TEST_P(CacheIndex, a_graph_that_cannot_be_is_refused_with_the_bounds) {
    const ErrorInfo error = test::error_of([&] { open({.graph = {.links = 1}}); });
    EXPECT_EQ(error.code, ErrorCode::invalid_argument);
    EXPECT_THAT(error.message, ::testing::HasSubstr("graph.links is 1; it must be between 2 and 128"));
    EXPECT_EQ(test::error_of([&] { open({.graph = {.links = 16, .build_breadth = 15}}); }).code,
              ErrorCode::invalid_argument);
    EXPECT_EQ(test::error_of([&] { open({.graph = {.search_breadth = 0}}); }).code, ErrorCode::invalid_argument);
}

TEST_P(CacheIndex, mneme_117_vacuum_compacts_unless_told_not_to) {
    SemanticCache cache = open();
    for (const bool compact : {false, true}) {
        for (int i = 0; i < 10; ++i) put(cache, i);
        EXPECT_EQ(answer(cache, 9), "r9");
        for (int i = 0; i < 5; ++i) cache.remove(name(i));
        EXPECT_EQ(answer(cache, 9), "r9");
        if (!compact) {
            EXPECT_EQ(cache.vacuum({}, {}, false), 0U);
            EXPECT_GE(cache.stats().index_tombstones, 5U);
            cache.compact();
        } else {
            EXPECT_GE(cache.stats().index_tombstones, 5U);
            EXPECT_EQ(cache.vacuum(), 0U);
        }
        EXPECT_EQ(cache.stats().index_tombstones, 0U);
    }
}

// mneme's figures are its doublings of the whole matrix; ours are those of small blocks, and of what is known of rows.
TEST_P(CacheIndex, mneme_118_memory_is_given_back_when_few_of_many_are_left) {
    SemanticCache cache = open(nullptr);
    const auto axis = [](int i) {
        std::vector<float> vector(8, 0.0f);
        vector[static_cast<std::size_t>(i % 8)] = 1;
        vector[static_cast<std::size_t>(i / 8 % 8)] += static_cast<float>(i) / 1000;
        return vector;
    };
    const auto ask = [&](int i) {
        return cache.get("asked", {}, {.embedding = axis(i), .similarity_threshold = 0.9f}).has_value();
    };
    for (int i = 0; i < 600; ++i) cache.put(name(i), "r", {}, {.embedding = axis(i)});
    ASSERT_TRUE(ask(599));
    const CacheStats full = cache.stats();
    EXPECT_EQ(full.index_rows, 600U);
    EXPECT_GE(full.index_bytes, 600U * 8 * 4);
    for (int i = 0; i < 590; ++i) cache.remove(name(i));
    ASSERT_TRUE(ask(599));
    EXPECT_LE(cache.stats().index_bytes, full.index_bytes);
    cache.compact();
    EXPECT_LT(cache.stats().index_bytes, full.index_bytes / 10);
    EXPECT_EQ(cache.stats().index_rows, 10U);
}

TEST_P(CacheIndex, mneme_119_vectors_of_the_usual_lengths_are_kept_and_their_memory_is_estimated) {
    for (const std::size_t dimension : {384, 768, 1024, 1536, 3072}) {
        for (const VectorFormat format : kFormats) {
            test::Server own;
            std::optional<Database> of_its_own;
            if (GetParam() == On::database) of_its_own = own.open();
            SemanticCacheOptions options{.similarity_threshold = 0.9f, .vector_format = format};
            SemanticCache cache = of_its_own ? SemanticCache(*of_its_own, nullptr, options)
                                             : SemanticCache::in_memory(MemoryDatabase(clock), nullptr, options);
            for (int i = 0; i < 3; ++i) {
                cache.put(name(i), "r" + std::to_string(i), {}, {.embedding = vector_of(i, dimension)});
            }
            EXPECT_EQ(cache.get("asked", {}, {.embedding = vector_of(1, dimension)})->response, "r1") << dimension;
            EXPECT_EQ(cache.stats().vector_bytes, vector_bytes(format, 3, dimension));
            EXPECT_EQ(cache.health().vector_dtype, to_string(format));
            if (GetParam() == On::database && format == VectorFormat::float32) break;  // the tables are alike
        }
    }
}

TEST_P(CacheIndex, mneme_111_the_format_can_be_changed_and_nothing_is_lost_by_it) {
    SemanticCache cache = open();
    for (int i = 0; i < 20; ++i) put(cache, i);
    const auto similarity = [&] {
        std::vector<float> near = vector_of(7);
        near[3] += 0.25f;
        const std::optional<Hit> hit = cache.get("near", {}, {.embedding = near});
        EXPECT_EQ(hit ? hit->response : "nothing", "r7");
        return hit ? hit->similarity : 0;
    };
    const float exact = similarity();
    for (const VectorFormat format : {VectorFormat::int8, VectorFormat::float16, VectorFormat::float32}) {
        cache.set_vector_format(format);
        EXPECT_EQ(cache.vector_format(), format);
        EXPECT_EQ(cache.health().vector_dtype, to_string(format));
        EXPECT_NEAR(similarity(), exact, 1e-6) << to_string(format);
    }
}

// What a code loses is more than what lies between these thresholds.
TEST_P(CacheIndex, a_threshold_means_the_same_in_every_format) {
    for (const VectorFormat format : kFormats) {
        SemanticCache cache = open({.vector_format = format});
        put(cache, 1);
        std::vector<float> near = vector_of(1);
        near[5] += 0.5f;
        const auto at = [&](float threshold) {
            return cache.look_up("near", {}, {.embedding = near, .similarity_threshold = threshold});
        };
        const Lookup found = at(0.5f);
        ASSERT_TRUE(found.hit) << to_string(format);
        EXPECT_TRUE(at(found.hit->similarity).hit) << to_string(format);
        EXPECT_TRUE(at(found.hit->similarity - 1e-5f).hit) << to_string(format);
        EXPECT_EQ(at(found.hit->similarity + 1e-5f).miss, MissReason::below_threshold) << to_string(format);
    }
}

TEST_P(CacheIndex, explain_shows_exact_similarities_in_order_in_every_format) {
    std::vector<std::pair<std::string, float>> first;
    for (const VectorFormat format : kFormats) {
        SemanticCache cache = open({.vector_format = format});
        if (format == kFormats[0]) {
            for (int i = 0; i < 40; ++i) put(cache, i);
        }
        const Explanation why = cache.explain("asked", {}, {.embedding = vector_of(3)}, 40);
        ASSERT_THAT(why.candidates, SizeIs(40));
        std::vector<std::pair<std::string, float>> shown;
        for (const ExplainedCandidate& one : why.candidates) shown.emplace_back(one.entry.query, one.entry.similarity);
        if (first.empty()) first = shown;
        for (std::size_t i = 0; i < shown.size(); ++i) {
            EXPECT_EQ(shown[i].first, first[i].first) << to_string(format);
            EXPECT_NEAR(shown[i].second, first[i].second, 1e-6) << to_string(format);
        }
    }
}

TEST_P(CacheIndex, a_scope_that_needs_more_than_it_may_have_is_not_searched_by_meaning) {
    SemanticCache cache = open({.index_bytes = 50'000});
    for (int i = 0; i < 250; ++i) put(cache, i);
    for (int i = 300; i < 310; ++i) put(cache, i, "small");
    const Lookup large = cache.look_up("asked otherwise", {}, {.embedding = vector_of(7)});
    EXPECT_EQ(large.miss, MissReason::index_full);
    EXPECT_EQ(to_string(*large.miss), "index_full");
    EXPECT_EQ(cache.get("q7")->response, "r7") << "its wording is found";
    EXPECT_EQ(answer(cache, 305, "small"), "r305");
    EXPECT_EQ(cache.look_up("asked otherwise", {}, {.embedding = vector_of(7)}).miss, MissReason::index_full);
    cache.set_vector_format(VectorFormat::int8);
    EXPECT_EQ(answer(cache, 7), "r7") << "int8 takes a quarter";
    EXPECT_LE(cache.stats(Scope()).index_bytes, 50'000U);
}

class CacheIndexOnTables : public ::testing::Test {
protected:
    /// Rows as other writers may put them.
    void fill(int from, int to, const std::string& name_space = "default") {
        Transaction transaction = database.begin();
        CopyIn copy(transaction, {.name = "entries",
                                  .columns = {"namespace", "query_hash", "query", "response", "embedding", "metadata",
                                              "created_at", "last_accessed_at"},
                                  .schema = server.schema()});
        for (int i = from; i < to; ++i) {
            const std::string n = std::to_string(i);
            copy.add(name_space, "hash " + n, "q" + n, "r" + n, encode_entry_vector(vector_of(i)), Json::object(),
                     std::int64_t{0}, std::int64_t{0});
        }
        copy.finish();
        transaction.commit();
        test::settle(database);
    }
    static std::string answer(SemanticCache& cache, int i, const Scope& scope = {}) {
        const std::optional<Hit> hit = cache.get("asked", scope, {.embedding = vector_of(i)});
        return hit ? hit->response : "nothing";
    }

    test::Server server;
    Database database = Database::open(test::undisturbed(server.options()));
    std::shared_ptr<testing::FakeEmbedder> embedder = std::make_shared<testing::FakeEmbedder>();
};

TEST_F(CacheIndexOnTables, a_large_scope_is_read_whole_whatever_its_name_is) {
    for (const std::string name_space : {"default", "it's \"quoted\" \\ and %s", "größer"}) {
        SemanticCache cache(database, embedder, {.vector_format = VectorFormat::int8});
        const int from = name_space.size() == 7 ? 0 : static_cast<int>(name_space.size()) * 10'000;
        fill(from, from + 3'000, name_space);
        EXPECT_EQ(answer(cache, from + 2'999, name_space), "r" + std::to_string(from + 2'999));
        EXPECT_EQ(answer(cache, from, name_space), "r" + std::to_string(from));
        EXPECT_EQ(cache.stats(Scope(name_space)).index_rows, 3'000U);
    }
}

TEST_F(CacheIndexOnTables, of_several_scopes_that_one_goes_that_was_searched_longest_ago) {
    SemanticCache cache(database, embedder, {.index_bytes = 1'500'000});
    fill(0, 1'500, "a");
    fill(10'000, 11'500, "b");
    fill(20'000, 21'500, "c");
    EXPECT_EQ(answer(cache, 7, "a"), "r7");
    const std::size_t one = cache.stats().index_bytes;
    ASSERT_LT(2 * one, 1'500'000U);
    ASSERT_GT(3 * one, 1'500'000U);
    EXPECT_EQ(answer(cache, 10'007, "b"), "r10007");
    EXPECT_EQ(answer(cache, 7, "a"), "r7");
    EXPECT_EQ(answer(cache, 20'007, "c"), "r20007");
    EXPECT_LE(cache.stats().index_bytes, 1'500'000U);
    EXPECT_EQ(cache.stats(Scope("b")).index_rows, 0U);
    EXPECT_EQ(cache.stats(Scope("a")).index_rows, 1'500U);
    EXPECT_EQ(answer(cache, 10'007, "b"), "r10007") << "it is read again";
    EXPECT_EQ(cache.stats(Scope("a")).index_rows, 0U);
}

TEST_F(CacheIndexOnTables, a_transaction_finds_by_meaning_in_every_format) {
    for (const VectorFormat format : kFormats) {
        SemanticCache cache(database, embedder, {.vector_format = format});
        cache.put("outside", "r", {}, {.embedding = vector_of(1)});
        EXPECT_EQ(answer(cache, 1), "r");
        Transaction transaction = database.begin();
        SemanticCache inside = cache.in(transaction);
        inside.put("inside", "s", {}, {.embedding = vector_of(2)});
        EXPECT_EQ(answer(inside, 1), "r") << to_string(format);
        EXPECT_EQ(answer(inside, 2), "s") << to_string(format);
        EXPECT_NEAR(inside.get("asked", {}, {.embedding = vector_of(1)})->similarity, 1, 1e-6);
        EXPECT_EQ(inside.vector_format(), format);
        EXPECT_EQ(inside.compact(), 0U);
    }
}

}  // namespace
}  // namespace stele
