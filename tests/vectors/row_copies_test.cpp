#include "vectors/row_copies.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "random_vectors.hpp"
#include "support/every_kernel.hpp"
#include "vectors/kernels.hpp"

namespace stele {
namespace {

using Vector = std::vector<float>;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

Vector scaled(Vector vector, float by) {
    for (float& value : vector) value *= by;
    return vector;
}

// What codes say well, badly, and not at all.
std::vector<std::pair<std::string, Vector>> odd_vectors(std::size_t dimension) {
    std::mt19937_64 random(5);
    std::vector<std::pair<std::string, Vector>> all;
    for (int i = 0; i < 20; ++i) all.emplace_back("any", testing::random_unit(random, dimension));
    Vector one(dimension, 0.0F);
    one.back() = -1;
    all.emplace_back("an axis: the codes leave nothing", one);
    all.emplace_back("zero", Vector(dimension, 0.0F));
    Vector halves(dimension);  // as far off codes as can be
    for (std::size_t i = 0; i < dimension; ++i) halves[i] = i == 0 ? 127.0F : static_cast<float>(i % 100) + 0.5F;
    all.emplace_back("between codes", halves);
    kernels::normalize(halves);
    all.emplace_back("between codes, a unit vector", std::move(halves));
    Vector huge = testing::random_unit(random, dimension);
    huge[1] = 1000;
    all.emplace_back("one huge element", huge);
    kernels::normalize(huge);
    all.emplace_back("one huge element, a unit vector", std::move(huge));
    for (const float by : {1e-44F, 1e-37F, 1e-20F, 1e-10F, 1e5F, 1e11F, 1e12F, 1e13F, 1e18F, 1e30F}) {
        all.emplace_back("of length " + std::to_string(by), scaled(testing::random_unit(random, dimension), by));
    }
    Vector endless = testing::random_unit(random, dimension);
    endless[2] = kInfinity;
    all.emplace_back("infinite", std::move(endless));
    Vector nothing = testing::random_unit(random, dimension);
    nothing[3] = std::numeric_limits<float>::quiet_NaN();
    all.emplace_back("not a number", std::move(nothing));
    return all;
}

TEST(RowCopies, a_score_lies_between_its_bounds_whatever_the_vectors_and_the_instruction_set) {
    for (const std::size_t dimension : {128, 161, 768}) {
        const RowFormat format(VectorFormat::float32, dimension);
        const auto vectors = odd_vectors(dimension);
        AlignedVector<std::byte> rows(vectors.size() * format.stride());
        for (std::size_t i = 0; i < vectors.size(); ++i) {
            format.encode(vectors[i].second, rows.data() + i * format.stride());
        }
        int unusable = 0;
        test::on_every_kernel([&](std::int64_t) {
            const RowCopies copies(format, rows.data(), vectors.size());
            std::vector<float> scores(vectors.size()), lowest(scores), highest(scores);
            for (const auto& [name, query] : vectors) {
                const CopyQuery by_copies(format, query);
                unusable += by_copies.usable() ? 0 : 1;
                if (!by_copies.usable()) continue;
                RowQuery(format, query).score(rows.data(), nullptr, scores);
                copies.bounds(by_copies, 0, lowest, highest);
                for (std::size_t i = 0; i < scores.size(); ++i) {
                    SCOPED_TRACE(name + " and " + vectors[i].first);
                    EXPECT_LE(lowest[i], highest[i]);
                    if (std::isnan(scores[i])) {
                        EXPECT_EQ(highest[i], kInfinity);
                    } else {
                        EXPECT_LE(lowest[i], scores[i]);
                        EXPECT_GE(highest[i], scores[i]);
                    }
                }
            }
        });
        EXPECT_GE(unusable, 4) << "very long ones and those that are not finite";
    }
}

TEST(RowCopies, bounds_are_close_together_for_vectors_of_unit_length) {
    std::mt19937_64 random(6);
    const RowFormat format(VectorFormat::float32, 768);
    AlignedVector<std::byte> row(format.stride());
    for (int i = 0; i < 100; ++i) {
        format.encode(testing::random_unit(random, 768), row.data());
        const RowCopies copies(format, row.data(), 1);
        float lowest = 0, highest = 0;
        copies.bounds(CopyQuery(format, testing::random_unit(random, 768)), 0, {&lowest, 1}, {&highest, 1});
        EXPECT_LT(highest - lowest, 0.05F);
    }
}

TEST(RowCopies, they_pay_for_long_rows_of_float32) {
    EXPECT_TRUE(RowCopies::worth_while({VectorFormat::float32, 768}));
    EXPECT_TRUE(RowCopies::worth_while({VectorFormat::float32, 128}));
    EXPECT_FALSE(RowCopies::worth_while({VectorFormat::float32, 64}));
    EXPECT_FALSE(RowCopies::worth_while({VectorFormat::float32, 100'000})) << "sums of codes would overflow";
    EXPECT_FALSE(RowCopies::worth_while({VectorFormat::float16, 768}));
    EXPECT_FALSE(RowCopies::worth_while({VectorFormat::int8, 768}));
    const RowFormat format(VectorFormat::float32, 768);
    const AlignedVector<std::byte> rows(10 * format.stride(), std::byte{0});
    EXPECT_EQ(RowCopies(format, rows.data(), 10).bytes(), RowCopies::bytes_of(format, 10));
    EXPECT_LT(RowCopies::bytes_of(format, 10), 10 * format.stride() * 26 / 100);
}

}  // namespace
}  // namespace stele
