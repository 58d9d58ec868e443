// Searches that read copies of rows first find exactly what they find without.
#include <gtest/gtest.h>

#include <atomic>
#include <limits>
#include <memory>
#include <thread>
#include <vector>

#include "random_vectors.hpp"
#include "vectors/flat_index.hpp"

namespace stele {
namespace {

using Vector = std::vector<float>;

constexpr std::size_t kDimension = 128;
constexpr std::int64_t kRows = 18'000;  // of which the last ones lie in a block that is not full
constexpr std::size_t kAny = std::numeric_limits<std::size_t>::max();
constexpr float kEveryScore = -std::numeric_limits<float>::infinity();

Vector axis(std::size_t dimension = kDimension) {
    Vector unit(dimension, 0.0F);
    unit[0] = 1;
    return unit;
}

std::size_t make_all_copies(FlatIndex& index) {
    for (int i = 0; i < 10; ++i) (void)index.search(axis(index.dimension()), 1, kEveryScore);
    std::size_t all = 0;
    while (const std::size_t more = index.make_copies(kAny)) all += more;
    return all;
}

/// The same rows with copies and without.
class Pair {
public:
    void put(std::int64_t id, const Vector& vector) {
        with_.upsert(id, vector);
        without_.upsert(id, vector);
    }
    void remove(std::int64_t id) {
        with_.remove(id);
        without_.remove(id);
    }
    void compact() {
        with_.compact();
        without_.compact();
    }
    FlatIndex& with() { return with_; }

    /// Returns how many rows were read after their copies.
    std::size_t require_the_same(const Vector& query) {
        const std::size_t before = with_.usage().refined;
        for (const std::size_t k : {std::size_t{1}, std::size_t{8}, std::size_t{300}, with_.size() + 10}) {
            const std::vector<Match> first = without_.search(query, 1, kEveryScore);
            const float best = first.empty() ? 0.0F : first.front().score;
            for (const float min_score : {kEveryScore, -0.1F, 0.0F, 0.5F, best, best - 0.01F, best + 0.01F}) {
                EXPECT_EQ(with_.search(query, k, min_score), without_.search(query, k, min_score))
                    << "k " << k << ", at least " << min_score;
            }
        }
        return with_.usage().refined - before;
    }

private:
    FlatIndex with_{kDimension}, without_{kDimension};
};

Vector sum(Vector one, float by, const Vector& other) {
    for (std::size_t i = 0; i < one.size(); ++i) one[i] += by * other[i];
    kernels::normalize(one);
    return one;
}

TEST(FlatIndexCopies, random_vectors_are_found_as_without_and_few_of_them_are_read) {
    std::mt19937_64 random(1);
    Pair pair;
    for (std::int64_t id = 0; id < kRows; ++id) pair.put(id, testing::random_unit(random, kDimension));
    EXPECT_GT(make_all_copies(pair.with()), static_cast<std::size_t>(kRows) * kDimension * 9 / 10);
    EXPECT_GT(pair.require_the_same(testing::random_unit(random, kDimension)), 0U);
    const std::size_t before = pair.with().usage().refined;
    for (int i = 0; i < 20; ++i) (void)pair.with().search(testing::random_unit(random, kDimension), 8, kEveryScore);
    const std::size_t refined = pair.with().usage().refined - before;
    EXPECT_GE(refined, 20U);
    EXPECT_LT(refined, 20U * kRows / 20);
}

TEST(FlatIndexCopies, vectors_that_lie_together_are_found_as_without) {
    std::mt19937_64 random(2);
    std::vector<Vector> themes;
    for (int i = 0; i < 20; ++i) themes.push_back(testing::random_unit(random, kDimension));
    Pair pair;
    for (std::int64_t id = 0; id < kRows; ++id) {
        const Vector& theme = themes[static_cast<std::size_t>(id * 20 / kRows)];  // one after the other
        pair.put(id, sum(theme, 0.3F, testing::random_unit(random, kDimension)));
    }
    ASSERT_GT(make_all_copies(pair.with()), 0U);
    for (const std::size_t theme : {0, 7, 19}) pair.require_the_same(themes[theme]);
    pair.require_the_same(sum(themes[0], 1, themes[1]));
}

TEST(FlatIndexCopies, equal_and_nearly_equal_scores_are_told_apart_as_without) {
    std::mt19937_64 random(3);
    const Vector one = testing::random_unit(random, kDimension), other = testing::random_unit(random, kDimension);
    Pair pair;
    for (std::int64_t id = 0; id < kRows; ++id) {
        const Vector nearly = sum(one, 1e-6F, testing::random_unit(random, kDimension));
        pair.put(kRows - id, id % 3 == 0 ? one : id % 3 == 1 ? nearly : other);
    }
    ASSERT_GT(make_all_copies(pair.with()), 0U);
    EXPECT_EQ(pair.require_the_same(one), 0U) << "a third of the rows may be the best: all are looked at";
    pair.require_the_same(other);
    pair.require_the_same(sum(one, 1, other));
}

TEST(FlatIndexCopies, rows_that_codes_say_badly_or_not_at_all_are_found_as_without) {
    std::mt19937_64 random(4);
    Pair pair;
    for (std::int64_t id = 0; id < kRows; ++id) {
        Vector vector = testing::random_unit(random, kDimension);
        if (id % 50 == 1) vector[5] = 1000;  // the others' codes are 0
        if (id % 500 == 2) vector[6] = std::numeric_limits<float>::infinity();
        if (id % 500 == 3) vector[7] = std::numeric_limits<float>::quiet_NaN();
        if (id % 500 == 4) vector = Vector(kDimension, 0.0F);
        if (id % 500 == 5) vector = axis();
        if (id % 500 == 6) vector[8] = 1e30F;
        pair.put(id, vector);
    }
    ASSERT_GT(make_all_copies(pair.with()), 0U);
    pair.require_the_same(testing::random_unit(random, kDimension));
    pair.require_the_same(axis());
    for (Vector odd : {Vector(kDimension, 0.0F), Vector(kDimension, 1e20F), Vector(kDimension, 1e-30F)}) {
        pair.require_the_same(odd);
        odd[1] = std::numeric_limits<float>::quiet_NaN();
        pair.require_the_same(odd);
        odd[1] = -std::numeric_limits<float>::infinity();
        pair.require_the_same(odd);
    }
}

TEST(FlatIndexCopies, rows_that_came_went_or_moved_since_are_found_or_not_as_without) {
    std::mt19937_64 random(5);
    Pair pair;
    for (std::int64_t id = 0; id < kRows; ++id) pair.put(id, testing::random_unit(random, kDimension));
    ASSERT_GT(make_all_copies(pair.with()), 0U);
    for (int round = 0; round < 6; ++round) {
        const Vector query = testing::random_unit(random, kDimension);
        for (const Match& match : pair.with().search(query, 20, kEveryScore)) pair.remove(match.id);
        for (int i = 0; i < 2'000; ++i) {
            const auto id = static_cast<std::int64_t>(random() % (kRows * 2));
            if (random() % 2 == 0) {
                pair.remove(id);
            } else {
                pair.put(id, sum(query, 3, testing::random_unit(random, kDimension)));
            }
        }
        pair.require_the_same(query);
        pair.require_the_same(testing::random_unit(random, kDimension));
        if (round % 2 == 1) pair.compact();
        pair.require_the_same(query);
        if (round == 3) make_all_copies(pair.with());
    }
}

TEST(FlatIndexCopies, they_take_no_more_than_they_may_and_are_given_up) {
    std::mt19937_64 random(6);
    FlatIndex index(kDimension);
    for (std::int64_t id = 0; id < kRows; ++id) index.upsert(id, testing::random_unit(random, kDimension));
    const std::size_t bare = index.usage().bytes;
    EXPECT_EQ(index.make_copies(kAny), 0U) << "nobody has searched yet";
    for (int i = 0; i < 10; ++i) (void)index.search(axis(), 1, kEveryScore);
    EXPECT_EQ(index.make_copies(1'000), 0U);
    std::size_t made = 0, room = 600'000;
    while (const std::size_t more = index.make_copies(room)) {
        EXPECT_LE(more, room);
        room -= more;
        made += more;
    }
    EXPECT_GT(made, 0U);
    EXPECT_EQ(index.usage().copy_bytes, made);
    EXPECT_EQ(index.usage().bytes, bare + made);
    made += make_all_copies(index);
    EXPECT_EQ(index.usage().copy_bytes, made);
    EXPECT_GT(made, 600'000U);
    index.drop_copies(made / 2);
    EXPECT_LE(index.usage().copy_bytes, made - made / 2);
    EXPECT_GT(index.usage().copy_bytes, 0U);
    index.drop_copies(kAny);
    EXPECT_EQ(index.usage().bytes, bare);
    EXPECT_EQ(make_all_copies(index), made) << "they come back when there is room";
}

TEST(FlatIndexCopies, small_indexes_and_other_formats_have_none) {
    std::mt19937_64 random(7);
    for (const VectorFormat format : {VectorFormat::float32, VectorFormat::float16, VectorFormat::int8}) {
        FlatIndex index(kDimension, format);
        const std::int64_t rows = format == VectorFormat::float32 ? 3'000 : 6'000;
        for (std::int64_t id = 0; id < rows; ++id) index.upsert(id, testing::random_unit(random, kDimension));
        EXPECT_EQ(make_all_copies(index), 0U);
        EXPECT_EQ(index.usage().copy_bytes, 0U);
    }
}

TEST(FlatIndexCopies, rows_in_somebodys_memory_get_copies_that_go_with_them) {
    std::mt19937_64 random(8);
    const RowFormat format(VectorFormat::float32, kDimension);
    auto memory = std::make_shared<AlignedVector<std::byte>>(kRows * format.stride());
    std::vector<StoredRow> rows;
    for (std::int64_t id = 0; id < kRows; ++id) {
        format.encode(testing::random_unit(random, kDimension),
                      memory->data() + static_cast<std::size_t>(id) * format.stride());
        rows.push_back({.id = id});
    }
    FlatIndex with(kDimension), without(kDimension);
    ASSERT_TRUE(with.adopt(memory, memory->data(), rows));
    ASSERT_TRUE(without.adopt(memory, memory->data(), rows));
    EXPECT_GT(make_all_copies(with), 0U);
    for (int i = 0; i < 5; ++i) {
        const Vector query = testing::random_unit(random, kDimension);
        EXPECT_EQ(with.search(query, 8, kEveryScore), without.search(query, 8, kEveryScore));
    }
    with.clear();
    EXPECT_EQ(with.usage().bytes, 0U);
}

TEST(FlatIndexCopies, a_graph_takes_the_place_of_copies) {
    std::mt19937_64 random(9);
    constexpr std::int64_t kNodes = 8'000;
    const GraphPlan plan{.wanted = true, .shape = {.from_rows = kNodes, .links = 4}, .after_searches = 12};
    FlatIndex index(kDimension, VectorFormat::float32, plan);
    for (std::int64_t id = 0; id < kNodes; ++id) index.upsert(id, testing::random_unit(random, kDimension));
    const std::size_t made = make_all_copies(index);
    EXPECT_GT(made, 0U);
    for (int i = 0; i < 3; ++i) (void)index.search(axis(), 1, kEveryScore);
    index.consider_graph();
    index.wait_for_graph();
    ASSERT_EQ(index.usage().graphs, 1U);
    EXPECT_LT(index.usage().copy_bytes, made / 4) << "blocks that the graph does not cover may have some";
    index.drop_graph();
    EXPECT_GT(make_all_copies(index), made / 2);
}

// Three rows are nearest whatever else comes and goes, and are replaced all the time.
TEST(FlatIndexCopies, searches_lose_nothing_while_copies_come_and_go) {
    constexpr std::int64_t kNearest = 3, kOthers = 7'500;  // of which two thirds stay: still enough for copies
    constexpr std::size_t kWide = 512;                     // so that they are in several blocks, most of them full
    std::mt19937_64 random(10);
    FlatIndex index(kWide);
    std::vector<Vector> others;
    for (std::int64_t id = 0; id < kOthers; ++id) {
        others.push_back(testing::random_unit(random, kWide));
        others.back()[0] *= 0.1F;
        index.upsert(id + 100, others.back());
    }
    for (std::int64_t id = 0; id < kNearest; ++id) index.upsert(id, axis(kWide), {.version = 1});

    std::atomic<bool> over{false};
    std::atomic<std::size_t> made{0};
    std::vector<std::thread> threads;
    for (int reader = 0; reader < 2; ++reader) {
        threads.emplace_back([&] {
            std::vector<std::uint32_t> versions(kNearest, 0);
            do {
                const std::vector<Match> found = index.search(axis(kWide), kNearest, 0.5F);
                ASSERT_EQ(found.size(), static_cast<std::size_t>(kNearest));
                for (std::int64_t id = 0; id < kNearest; ++id) {
                    const Match& match = found[static_cast<std::size_t>(id)];
                    ASSERT_EQ(match.id, id);
                    ASSERT_GE(match.note.version, versions[static_cast<std::size_t>(id)]);
                    versions[static_cast<std::size_t>(id)] = match.note.version;
                }
                made += index.make_copies(kAny);
            } while (!over);
        });
    }
    // however slow the readers are, some copies are made meanwhile
    for (std::uint32_t version = 2; version < 60 || (made == 0 && version < 1'000); ++version) {
        for (std::int64_t id = 0; id < kNearest; ++id) index.upsert(id, axis(kWide), {.version = version});
        for (std::int64_t id = version; id < kOthers; id += 40) {
            index.upsert(id + 100, others[static_cast<std::size_t>(id)]);
            if (id % 3 == 0) index.remove(id + 100);
        }
        if (version % 8 == 0) index.compact();
        if (version % 10 == 0) index.drop_copies(kAny);
    }
    over = true;
    for (std::thread& thread : threads) thread.join();
    EXPECT_GT(made, 0U);
}

}  // namespace
}  // namespace stele
