// Copies of the vectors in memory (FlatIndex::make_copies) take what room there is, and never that of others.
#include <gtest/gtest.h>

#include "cache/vector_memory.hpp"
#include "fake_entries.hpp"
#include "stele/semantic_cache.hpp"
#include "vectors/random_vectors.hpp"

namespace stele {
namespace {

class VectorCopiesTest : public ::testing::Test {
protected:
    static constexpr std::size_t kDimension = 128;
    static constexpr int kRows = 8'192;    // fill their blocks, whose sizes double
    static constexpr int kSearches = 100;  // after which there are as many copies as fit

    VectorCopiesTest() {
        for (int i = 0; i < kRows; ++i) {
            tables.add("a", testing::random_unit(random, kDimension));
            tables.add("b", testing::random_unit(random, kDimension));
        }
    }
    VectorMemory memory(std::size_t limit_bytes) {
        return {sql, kDimension, {.format = VectorFormat::float32, .limit_bytes = limit_bytes}};
    }
    std::vector<std::int64_t> found(VectorMemory& in, const std::string& name_space, const std::vector<float>& unit) {
        std::vector<std::int64_t> ids;
        for (const Candidate& one : in.search(name_space, unit, 3, -1, tables, Deadline::never())) {
            ids.push_back(one.id);
        }
        return ids;
    }
    void search(VectorMemory& in, const std::string& name_space) {
        for (int i = 0; i < kSearches; ++i) found(in, name_space, testing::random_unit(random, kDimension));
    }
    void expect_the_same(VectorMemory& one, VectorMemory& other, const std::string& name_space) {
        for (int i = 0; i < 20; ++i) {
            const std::vector<float> unit = testing::random_unit(random, kDimension);
            EXPECT_EQ(found(one, name_space, unit), found(other, name_space, unit));
        }
    }
    std::size_t bytes_loaded(const std::string& name_space) {
        VectorMemory free = memory(0);
        found(free, name_space, testing::random_unit(random, kDimension));
        return free.size().bytes;
    }

    std::mt19937_64 random{1};
    const CacheSql sql{"s"};
    test::FakeEntries tables{sql};
};

TEST_F(VectorCopiesTest, searches_make_them_and_find_the_same) {
    VectorMemory searched = memory(0), fresh = memory(0);
    found(searched, "a", tables.entries.begin()->second.vector);
    const std::size_t loaded = searched.size().bytes;
    search(searched, "a");
    EXPECT_GT(searched.size().bytes, loaded + kRows * kDimension);
    EXPECT_LT(searched.size().bytes, loaded + kRows * (kDimension + 16));
    expect_the_same(searched, fresh, "a");
}

TEST_F(VectorCopiesTest, they_are_given_up_before_a_namespace_is) {
    const std::size_t both = bytes_loaded("a") + bytes_loaded("b");
    VectorMemory limited = memory(both + kRows * kDimension / 2);
    search(limited, "a");
    const std::size_t with_copies = limited.size().bytes;
    EXPECT_GT(with_copies, bytes_loaded("a"));
    search(limited, "b");
    EXPECT_NE(limited.known("a"), nullptr);
    EXPECT_NE(limited.known("b"), nullptr);
    EXPECT_LE(limited.size().bytes, both + kRows * kDimension / 2);
    EXPECT_LT(limited.size("a").bytes, with_copies) << "b needed the room";
    VectorMemory free = memory(0);
    expect_the_same(limited, free, "a");
    expect_the_same(limited, free, "b");
}

TEST_F(VectorCopiesTest, a_namespace_that_needs_their_room_itself_is_still_searched) {
    const std::size_t before = bytes_loaded("a");
    const std::int64_t more = tables.add("a", testing::random_unit(random, kDimension));  // needs a block
    const std::size_t needed = bytes_loaded("a");
    ASSERT_GT(needed, before + kRows * kDimension * 2);
    tables.entries.erase(more);

    VectorMemory limited = memory(needed);
    search(limited, "a");
    EXPECT_GT(limited.size().bytes, before + kRows * kDimension);
    const std::int64_t again = tables.add("a", testing::random_unit(random, kDimension));
    limited.changed("a", test::FakeEntries::hash_of(again), static_cast<std::uint64_t>(tables.last_writer()));
    EXPECT_EQ(found(limited, "a", tables.entries.at(again).vector).front(), again);
    EXPECT_LE(limited.size().bytes, needed);
    search(limited, "a");
    EXPECT_LE(limited.size().bytes, needed) << "there is no room for copies now";
}

TEST_F(VectorCopiesTest, the_twin_in_memory_makes_them_and_gives_them_up_for_its_own_vectors) {
    const auto filled = [this](int entries, std::size_t index_bytes) {
        SemanticCache cache = SemanticCache::in_memory(MemoryDatabase(), nullptr,
                                                       {.similarity_threshold = 0.9f, .index_bytes = index_bytes});
        for (auto at = tables.entries.begin(); at != std::next(tables.entries.begin(), entries); ++at) {
            cache.put(at->second.hash, at->second.hash, {}, {.embedding = at->second.vector});
        }
        return cache;
    };
    const auto ask = [this](SemanticCache& cache) {
        for (auto at = tables.entries.begin(); at != std::next(tables.entries.begin(), 40); ++at) {
            EXPECT_EQ(cache.get("asked", {}, {.embedding = at->second.vector})->response, at->second.hash);
        }
        return cache.stats().index_bytes;
    };
    const std::size_t needed = filled(kRows + 1, 0).stats().index_bytes;  // one more needs a block
    SemanticCache cache = filled(kRows, needed);
    const std::size_t loaded = cache.stats().index_bytes;
    EXPECT_GT(ask(cache), loaded + kRows * kDimension);
    const std::vector<float> more = testing::random_unit(random, kDimension);
    cache.put("more", "more", {}, {.embedding = more});
    EXPECT_GT(cache.stats().index_bytes, needed);
    EXPECT_EQ(cache.get("asked", {}, {.embedding = more})->response, "more");
    EXPECT_LE(ask(cache), needed);
}

}  // namespace
}  // namespace stele
