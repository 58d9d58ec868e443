#include "vectors/row_kernels.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "random_vectors.hpp"
#include "support/every_kernel.hpp"
#include "vectors/aligned.hpp"

namespace stele {
namespace {

constexpr std::size_t kRows = 7;
constexpr float kUntouched = -1234;

// Whole registers' worth of random numbers.
template <class T, class Draw>
AlignedVector<T> random_rows(std::size_t rows, std::size_t stride, Draw&& draw) {
    AlignedVector<T> all(rows * stride);
    for (T& value : all) value = draw();
    return all;
}

TEST(RowKernels, every_instruction_set_of_this_machine_adds_bytes_exactly) {
    std::mt19937 random(1);
    const auto code = [&] { return static_cast<std::int8_t>(static_cast<int>(random() % 255) - 127); };
    test::on_every_kernel([&](std::int64_t) {
        for (const std::size_t stride : {64, 128, 192, 384, 768, 1536, 4096}) {
            SCOPED_TRACE(stride);
            AlignedVector<std::int8_t> rows = random_rows<std::int8_t>(kRows, stride, code);
            const AlignedVector<std::int8_t> query = random_rows<std::int8_t>(1, stride, code);
            std::fill_n(rows.begin(), stride, std::int8_t{-127});  // the extremes
            std::fill_n(rows.begin() + static_cast<std::ptrdiff_t>(stride), stride, std::int8_t{127});
            std::vector<float> scores(kRows + 1, kUntouched);
            kernels::dot_rows(rows.data(), query, std::span(scores).first(kRows));
            for (std::size_t i = 0; i < kRows; ++i) {
                const int exact = std::inner_product(query.begin(), query.end(), rows.data() + i * stride, 0);
                EXPECT_EQ(scores[i], static_cast<float>(exact)) << i;
            }
            EXPECT_EQ(scores[kRows], kUntouched) << "written past the end";
        }
    });
}

TEST(RowKernels, every_instruction_set_of_this_machine_makes_the_same_codes) {
    std::mt19937_64 random(3);
    test::on_every_kernel([&](std::int64_t) {
        for (const std::size_t count : {1, 2, 15, 16, 17, 63, 64, 100, 768}) {
            SCOPED_TRACE(count);
            std::vector<float> values = testing::random_vector(random, count);
            values.back() = 127;  // a scale of 1, so that halves lie between two codes
            if (count > 1) values[0] = -2.5F;
            std::vector<std::int8_t> codes(count + 1, 77);
            std::vector<float> left(count + 1, kUntouched);
            EXPECT_EQ(kernels::to_codes(values, codes.data(), left.data()), 1);
            for (std::size_t i = 0; i < count; ++i) {
                EXPECT_EQ(codes[i], std::nearbyint(values[i])) << i;
                EXPECT_EQ(left[i], values[i] - static_cast<float>(codes[i])) << i;
            }
            EXPECT_EQ(codes[count], 77) << "written past the end";
            EXPECT_EQ(left[count], kUntouched) << "written past the end";
            std::vector<std::int8_t> same(count);
            EXPECT_EQ(kernels::to_codes(values, same.data()), 1);
            EXPECT_TRUE(std::equal(same.begin(), same.end(), codes.begin()));
        }
        std::vector<std::int8_t> codes(20, 77);
        EXPECT_EQ(kernels::to_codes(std::vector<float>(20, 1e-40F), codes.data()), 0);
        EXPECT_EQ(codes, std::vector<std::int8_t>(20, 0));
    });
}

TEST(RowKernels, every_instruction_set_of_this_machine_reads_halves_as_they_were_written) {
    std::mt19937_64 random(2);
    const auto draw = [&] { return testing::random_vector(random, 1).front() * 0.05F; };
    test::on_every_kernel([&](std::int64_t) {
        for (const std::size_t stride : {32, 64, 96, 384, 768, 1536}) {
            SCOPED_TRACE(stride);
            const AlignedVector<float> rows = random_rows<float>(kRows, stride, draw);
            const AlignedVector<float> query = random_rows<float>(1, stride, draw);
            AlignedVector<kernels::Half> halves(kRows * stride);
            kernels::to_halves(rows, halves.data());
            std::vector<float> scores(kRows + 1, kUntouched);
            kernels::dot_rows(halves.data(), query, std::span(scores).first(kRows));
            for (std::size_t i = 0; i < kRows; ++i) {
                double exact = 0, sizes = 0;
                for (std::size_t j = 0; j < stride; ++j) {
                    const double product = double{rows[i * stride + j]} * double{query[j]};
                    exact += product;
                    sizes += std::abs(product);
                }
                EXPECT_NEAR(scores[i], exact, sizes / 1024 + 1e-6) << i;
            }
            EXPECT_EQ(scores[kRows], kUntouched) << "written past the end";
        }
    });
}

TEST(RowKernels, halves_lose_less_than_a_step) {
    AlignedVector<float> values(32);
    std::fill(values.begin(), values.end(), 1.0F);
    values[1] = 1 + 3 * 0x1p-12F;  // three quarters of a step above
    AlignedVector<kernels::Half> halves(32);
    test::on_every_kernel([&](std::int64_t) {
        kernels::to_halves(values, halves.data());
        EXPECT_EQ(halves[0], 0x3c00);
        EXPECT_TRUE(halves[1] == 0x3c00 || halves[1] == 0x3c01) << halves[1];
    });
}

}  // namespace
}  // namespace stele
