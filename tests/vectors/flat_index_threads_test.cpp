// Searches beside changes: nothing is lost, nothing is seen twice, and time runs forward.
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <thread>
#include <vector>

#include "random_vectors.hpp"
#include "vectors/flat_index.hpp"

namespace stele {
namespace {

constexpr std::int64_t kSteady = 500;  // rows that are replaced and never removed
constexpr std::int64_t kOthers = 10'000;
constexpr std::size_t kDimension = 8;

// Every search finds all that are never removed, in a version that is not older than what the one before found.
void search_until(const std::atomic<bool>& over, const FlatIndex& index, const std::vector<float>& unit) {
    std::map<std::int64_t, std::uint32_t> versions;
    do {
        std::map<std::int64_t, int> found;
        for (const Match& match : index.search(unit, 100'000, -2)) {
            ASSERT_EQ(++found[match.id], 1) << match.id << " was seen twice";
            if (match.id >= kSteady) continue;
            ASSERT_GE(match.note.version, versions[match.id]);
            versions[match.id] = match.note.version;
        }
        for (std::int64_t id = 0; id < kSteady; ++id) ASSERT_EQ(found[id], 1) << id << " was lost";
    } while (!over);
}

TEST(FlatIndexThreads, searches_lose_nothing_while_rows_are_replaced_removed_and_moved) {
    for (const VectorFormat format : {VectorFormat::float32, VectorFormat::int8}) {
        FlatIndex index(kDimension, format);
        std::mt19937_64 random(1);
        const std::vector<float> unit = testing::random_unit(random, kDimension);
        for (std::int64_t id = 0; id < kSteady; ++id) index.upsert(id, unit, {.version = 1});

        std::atomic<bool> over{false};
        std::vector<std::thread> threads;
        for (int reader = 0; reader < 2; ++reader) {
            threads.emplace_back([&] { search_until(over, index, unit); });
        }
        std::thread replaces([&] {
            for (std::uint32_t version = 2; version < 100; ++version) {
                for (std::int64_t id = 0; id < kSteady; ++id) {
                    index.upsert(id, unit, {.tag = static_cast<std::uint64_t>(id + 1), .version = version});
                }
                if (version % 10 == 0) index.compact();
            }
        });
        std::thread comes_and_goes([&] {
            for (int round = 0; round < 3; ++round) {
                for (std::int64_t id = kOthers; id < kOthers + 5'000; ++id) index.upsert(id, unit);
                for (std::int64_t id = kOthers; id < kOthers + 5'000; ++id) index.remove(id);
            }
        });
        replaces.join();
        comes_and_goes.join();
        over = true;
        for (std::thread& thread : threads) thread.join();
        EXPECT_EQ(index.size(), static_cast<std::size_t>(kSteady));
    }
}

}  // namespace
}  // namespace stele
