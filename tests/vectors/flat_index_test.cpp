#include "vectors/flat_index.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>

#include "random_vectors.hpp"
#include "stele/error.hpp"
#include "vectors/kernels.hpp"

namespace stele {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr float kAll = -2.0F;

using Vector = std::vector<float>;

template <class Call>
ErrorCode code_of(Call&& call) {
    try {
        call();
    } catch (const Error& error) {
        return error.code();
    }
    ADD_FAILURE() << "nothing was thrown";
    return ErrorCode::internal;
}

std::vector<std::int64_t> ids(const std::vector<Match>& matches) {
    std::vector<std::int64_t> result;
    result.reserve(matches.size());
    for (const Match& match : matches) result.push_back(match.id);
    return result;
}

class FlatIndexTest : public ::testing::TestWithParam<VectorFormat> {};

// In the plane: the angle decides the score.
Vector at_degrees(double degrees) {
    const double radians = degrees * 3.14159265358979323846 / 180;
    return {static_cast<float>(std::cos(radians)), static_cast<float>(std::sin(radians))};
}

TEST_P(FlatIndexTest, mneme_137_dimension_zero_is_refused) {
    EXPECT_EQ(code_of([] { FlatIndex index(0, GetParam()); }), ErrorCode::invalid_argument);
}

TEST_P(FlatIndexTest, mneme_137_vectors_of_another_length_are_refused) {
    FlatIndex index(3, GetParam());
    index.upsert(1, Vector{1, 0, 0});
    EXPECT_EQ(code_of([&] { index.upsert(2, Vector{1, 0}); }), ErrorCode::dimension_mismatch);
    EXPECT_EQ(code_of([&] { index.upsert(1, Vector{1, 0, 0, 0}); }), ErrorCode::dimension_mismatch);
    EXPECT_EQ(code_of([&] { (void)index.search(Vector{1}, 1, kAll); }), ErrorCode::dimension_mismatch);
    EXPECT_EQ(index.size(), 1U);
    EXPECT_THAT(ids(index.search(Vector{1, 0, 0}, 5, kAll)), ElementsAre(1));
}

TEST_P(FlatIndexTest, mneme_137_the_same_id_updates_in_place) {
    FlatIndex index(2, GetParam());
    index.upsert(7, at_degrees(0));
    index.upsert(7, at_degrees(90));
    EXPECT_EQ(index.size(), 1U);
    EXPECT_NEAR(index.search(at_degrees(90), 1, kAll).at(0).score, 1, 1e-3);
}

TEST_P(FlatIndexTest, mneme_137_asking_for_more_than_there_is_returns_all) {
    FlatIndex index(2, GetParam());
    for (int id = 0; id < 3; ++id) index.upsert(id, at_degrees(id));
    EXPECT_THAT(index.search(at_degrees(0), 100, kAll), SizeIs(3));
    EXPECT_THAT(index.search(at_degrees(0), std::numeric_limits<std::size_t>::max(), kAll), SizeIs(3));
}

TEST_P(FlatIndexTest, mneme_137_asking_for_nothing_or_an_empty_index_returns_nothing) {
    FlatIndex index(2, GetParam());
    EXPECT_THAT(index.search(at_degrees(0), 5, kAll), IsEmpty());
    index.upsert(1, at_degrees(0));
    EXPECT_THAT(index.search(at_degrees(0), 0, kAll), IsEmpty());
}

TEST_P(FlatIndexTest, mneme_137_scores_descend) {
    FlatIndex index(2, GetParam());
    for (const int id : {40, 10, 30, 20}) index.upsert(id, at_degrees(id));
    EXPECT_THAT(ids(index.search(at_degrees(0), 4, kAll)), ElementsAre(10, 20, 30, 40));
    EXPECT_THAT(ids(index.search(at_degrees(0), 2, kAll)), ElementsAre(10, 20));
}

TEST_P(FlatIndexTest, mneme_137_two_indexes_are_isolated) {
    FlatIndex one(2, GetParam()), other(2, GetParam());
    one.upsert(1, at_degrees(0));
    other.upsert(2, at_degrees(0));
    EXPECT_THAT(ids(one.search(at_degrees(0), 5, kAll)), ElementsAre(1));
    EXPECT_THAT(ids(other.search(at_degrees(0), 5, kAll)), ElementsAre(2));
}

TEST_P(FlatIndexTest, mneme_137_a_removed_id_is_not_found_and_can_come_back) {
    FlatIndex index(2, GetParam());
    for (const int id : {1, 2, 3}) index.upsert(id, at_degrees(id));
    EXPECT_TRUE(index.remove(1));
    EXPECT_FALSE(index.contains(1));
    EXPECT_THAT(ids(index.search(at_degrees(0), 5, kAll)), ElementsAre(2, 3));
    index.upsert(1, at_degrees(50));
    EXPECT_THAT(ids(index.search(at_degrees(0), 5, kAll)), ElementsAre(2, 3, 1));
}

TEST_P(FlatIndexTest, mneme_137_removing_an_unknown_id_changes_nothing) {
    FlatIndex index(2, GetParam());
    EXPECT_FALSE(index.remove(1));
    index.upsert(1, at_degrees(0));
    EXPECT_FALSE(index.remove(2));
    EXPECT_EQ(index.size(), 1U);
}

TEST_P(FlatIndexTest, mneme_137_filling_again_after_clear_replaces_everything) {
    FlatIndex index(2, GetParam());
    for (int id = 0; id < 100; ++id) index.upsert(id, at_degrees(id));
    index.clear();
    EXPECT_EQ(index.size(), 0U);
    EXPECT_EQ(index.usage().bytes, 0U);
    EXPECT_THAT(index.search(at_degrees(0), 5, kAll), IsEmpty());
    index.upsert(500, at_degrees(1));
    EXPECT_THAT(ids(index.search(at_degrees(0), 5, kAll)), ElementsAre(500));
}

TEST_P(FlatIndexTest, mneme_137_bytes_are_capacity_times_dimension_times_those_of_an_element) {
    FlatIndex index(768, GetParam());
    EXPECT_EQ(index.usage().bytes, 0U);
    std::mt19937_64 random(1);
    const Vector vector = testing::random_unit(random, 768);
    for (int id = 0; id < 3000; ++id) index.upsert(id, vector);
    const FlatIndex::Usage usage = index.usage();
    EXPECT_GE(usage.capacity, 3000U);
    EXPECT_EQ(usage.vector_bytes, vector_bytes(GetParam(), usage.capacity, 768));
    EXPECT_LT(usage.bytes - usage.vector_bytes, usage.capacity * 64);
}

// Of int8 mneme allows 2e-2: its scale is the same for all rows.
TEST_P(FlatIndexTest, mneme_138_a_stored_vector_finds_itself_with_score_one) {
    const double off = GetParam() == VectorFormat::float32 ? 1e-5 : GetParam() == VectorFormat::float16 ? 5e-4 : 3e-3;
    std::mt19937_64 random(138);
    for (const std::size_t dimension : {8, 384, 768, 1536}) {
        FlatIndex index(dimension, GetParam());
        std::vector<Vector> vectors;
        for (int id = 0; id < 200; ++id) {
            vectors.push_back(testing::random_unit(random, dimension));
            index.upsert(id, vectors.back());
        }
        for (std::int64_t id = 0; id < 200; ++id) {
            const std::vector<Match> matches = index.search(vectors[static_cast<std::size_t>(id)], 1, kAll);
            ASSERT_THAT(ids(matches), ElementsAre(id));
            EXPECT_NEAR(matches[0].score, 1, dimension == 8 ? 1e-2 : off);
        }
    }
}

TEST(VectorFormats, mneme_140_sizes_are_told_by_format) {
    EXPECT_EQ(vector_bytes(VectorFormat::float32, 100'000, 768), 307'200'000U);
    EXPECT_EQ(vector_bytes(VectorFormat::float16, 100'000, 768), 153'600'000U);
    EXPECT_EQ(vector_bytes(VectorFormat::int8, 100'000, 768), 76'800'000U);
}

// An axis reads one element. mneme's scale for all makes 1.0 127; a scale of each row's own loses less.
TEST_P(FlatIndexTest, mneme_140_elements_are_kept_within_a_code) {
    const double off = GetParam() == VectorFormat::float32   ? 1e-7
                       : GetParam() == VectorFormat::float16 ? 1e-3
                                                             : 0.5 / 127;
    std::mt19937_64 random(140);
    const Vector unit = testing::random_unit(random, 64);
    FlatIndex index(64, GetParam());
    index.upsert(1, unit);
    for (std::size_t i = 0; i < unit.size(); ++i) {
        Vector axis(64, 0.0F);
        axis[i] = 1;
        EXPECT_NEAR(index.search(axis, 1, kAll).at(0).score, unit[i], off * std::max(1.0F, std::abs(unit[i])));
    }
    Vector ends(64, 0.0F);
    ends[0] = 1;
    index.upsert(1, ends);
    EXPECT_NEAR(index.search(ends, 1, kAll).at(0).score, 1, 1e-6);
    ends[0] = -1;
    EXPECT_NEAR(index.search(ends, 1, kAll).at(0).score, -1, 1e-6);
}

TEST_P(FlatIndexTest, the_best_match_of_a_small_format_is_among_the_first_few_and_no_match_is_lost) {
    constexpr std::size_t kDimension = 256;
    std::mt19937_64 random(99);
    FlatIndex exact(kDimension), index(kDimension, GetParam());
    for (std::int64_t id = 0; id < 3'000; ++id) {
        const Vector unit = testing::random_unit(random, kDimension);
        exact.upsert(id, unit);
        index.upsert(id, unit);
    }
    for (int i = 0; i < 100; ++i) {
        const Vector query = testing::random_unit(random, kDimension);
        const Match best = exact.search(query, 1, kAll).at(0);
        EXPECT_THAT(ids(index.search(query, 8, kAll)), ::testing::Contains(best.id));
        EXPECT_THAT(ids(index.search(query, 8, best.score)), ::testing::Contains(best.id));
    }
}

TEST_P(FlatIndexTest, equal_scores_are_ordered_by_the_lower_id_whatever_the_order_of_the_rows) {
    FlatIndex index(2, GetParam());
    for (const int id : {9, 3, 7, 1, 5}) index.upsert(id, at_degrees(30));
    index.remove(9);
    EXPECT_THAT(ids(index.search(at_degrees(0), 10, kAll)), ElementsAre(1, 3, 5, 7));
    EXPECT_THAT(ids(index.search(at_degrees(0), 2, kAll)), ElementsAre(1, 3));
}

TEST(FlatIndex, only_scores_of_at_least_the_minimum_are_returned) {
    FlatIndex index(2);
    index.upsert(1, Vector{1, 0});
    index.upsert(2, Vector{0.5F, 0.8660254F});
    index.upsert(3, Vector{0, 1});
    EXPECT_THAT(ids(index.search(Vector{1, 0}, 10, 0.5F)), ElementsAre(1, 2));
    EXPECT_THAT(ids(index.search(Vector{1, 0}, 10, 0.50001F)), ElementsAre(1));
    EXPECT_THAT(index.search(Vector{1, 0}, 10, 1.5F), IsEmpty());
}

TEST_P(FlatIndexTest, a_query_with_nan_matches_nothing) {
    FlatIndex index(2, GetParam());
    index.upsert(1, Vector{1, 0});
    EXPECT_THAT(index.search(Vector{std::numeric_limits<float>::quiet_NaN(), 0}, 5, kAll), IsEmpty());
}

TEST_P(FlatIndexTest, rows_lie_at_cache_lines) {
    FlatIndex index(100, GetParam());
    std::mt19937_64 random(3);
    for (std::int64_t id = 0; id < 1'000; ++id) index.upsert(id, testing::random_unit(random, 100));
    for (const std::span<const std::byte> rows : index.memory()) {
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(rows.data()) % 64, 0U);
    }
}

TEST_P(FlatIndexTest, memory_is_given_back_when_rows_are_removed) {
    FlatIndex index(768, GetParam());
    std::mt19937_64 random(4);
    const Vector vector = testing::random_unit(random, 768);
    for (std::int64_t id = 0; id < 10'000; ++id) index.upsert(id, vector);
    const std::size_t full = index.usage().bytes;
    for (std::int64_t id = 0; id < 9'999; ++id) index.remove(id);
    EXPECT_LT(index.usage().bytes, full / 3);
    EXPECT_THAT(ids(index.search(vector, 5, kAll)), ElementsAre(9'999));
    index.compact();
    EXPECT_LT(index.usage().bytes, full / 100);
    EXPECT_THAT(ids(index.search(vector, 5, kAll)), ElementsAre(9'999));
}

TEST_P(FlatIndexTest, mneme_115_116_what_is_removed_or_replaced_stays_as_tombstones_until_compact) {
    FlatIndex index(2, GetParam());
    EXPECT_EQ(index.compact(), 0U);
    for (int id = 0; id < 50; ++id) index.upsert(id, at_degrees(id));
    for (int id = 0; id < 30; ++id) index.remove(id);
    for (int id = 30; id < 40; ++id) index.upsert(id, at_degrees(-id));
    EXPECT_EQ(index.usage().tombstones, 40U);
    EXPECT_EQ(index.compact(), 40U);
    EXPECT_EQ(index.usage().tombstones, 0U);
    EXPECT_EQ(index.compact(), 0U);
    EXPECT_THAT(ids(index.search(at_degrees(0), 3, kAll)), ElementsAre(30, 31, 32));
    EXPECT_EQ(index.size(), 20U);
}

TEST_P(FlatIndexTest, no_more_than_an_eighth_of_many_rows_is_dead) {
    FlatIndex index(64, GetParam());
    std::mt19937_64 random(6);
    const Vector vector = testing::random_unit(random, 64);
    for (int round = 0; round < 20; ++round) {
        for (std::int64_t id = 0; id < 5'000; ++id) index.upsert(id * 7, vector);
        const FlatIndex::Usage usage = index.usage();
        EXPECT_EQ(usage.rows, 5'000U);
        EXPECT_LE(usage.tombstones, usage.capacity / 8 + 256) << "small blocks hold more";
        EXPECT_LE(usage.capacity, 20'000U);
    }
}

TEST_P(FlatIndexTest, a_row_is_found_by_its_tag_which_only_one_has) {
    FlatIndex index(2, GetParam());
    index.upsert(1, at_degrees(0), {.tag = 77, .version = 5});
    EXPECT_EQ(index.find(77), 1);
    EXPECT_EQ(index.note(1), (RowNote{.tag = 77, .version = 5}));
    index.upsert(2, at_degrees(10), {.tag = 77, .version = 6});  // the same question under another id
    EXPECT_EQ(index.find(77), 2);
    EXPECT_FALSE(index.contains(1));
    index.upsert(2, at_degrees(20), {.tag = 78, .version = 7});
    EXPECT_EQ(index.find(77), std::nullopt);
    EXPECT_EQ(index.search(at_degrees(20), 5, kAll).at(0).note, (RowNote{.tag = 78, .version = 7}));
    index.remove(2);
    EXPECT_EQ(index.find(78), std::nullopt);
}

TEST_P(FlatIndexTest, ids_and_tags_are_found_whatever_was_removed_and_moved) {
    FlatIndex index(8, GetParam());
    std::mt19937_64 random(8);
    const Vector vector = testing::random_unit(random, 8);
    std::map<std::int64_t, std::uint64_t> tags;
    for (int step = 0; step < 50'000; ++step) {
        const auto id = static_cast<std::int64_t>(random() % 3'000);
        if (random() % 3 == 0) {
            EXPECT_EQ(index.remove(id), tags.erase(id) == 1);
        } else {
            const auto tag = static_cast<std::uint64_t>(id) * 1'000'003 + random() % 5 + 1;
            index.upsert(id, vector, {.tag = tag});
            tags[id] = tag;
        }
    }
    index.compact();
    ASSERT_EQ(index.size(), tags.size());
    for (const auto& [id, tag] : tags) {
        ASSERT_EQ(index.note(id), (RowNote{.tag = tag}));
        ASSERT_EQ(index.find(tag), id);
    }
}

INSTANTIATE_TEST_SUITE_P(Formats, FlatIndexTest,
                         ::testing::Values(VectorFormat::float32, VectorFormat::float16, VectorFormat::int8),
                         [](const auto& format) { return std::string(to_string(format.param)); });

}  // namespace
}  // namespace stele
