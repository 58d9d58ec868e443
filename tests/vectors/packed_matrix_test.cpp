#include "vectors/packed_matrix.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "support/every_kernel.hpp"

namespace stele {
namespace {

using test::has_fused_multiply_add;
using test::on_every_kernel;

struct Sizes {
    std::size_t rows, inputs, outputs;
};
constexpr Sizes kSizes[] = {{1, 1, 1},    {1, 4, 16},    {2, 3, 17},    {3, 64, 48}, {5, 37, 64},
                            {6, 100, 80}, {14, 384, 96}, {23, 30, 130}, {29, 7, 16}, {64, 33, 31}};

std::vector<float> random_floats(std::size_t count, std::uint32_t seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    std::vector<float> values(count);
    for (float& value : values) value = normal(random);
    return values;
}

FetchOutputs from(const std::vector<float>& weights, std::size_t inputs) {  // [outputs][inputs]
    return [&weights, inputs](std::size_t first, std::size_t count, float* out) {
        std::copy_n(weights.data() + first * inputs, count * inputs, out);
    };
}

AlignedVector<float> padded(const std::vector<float>& values) {
    AlignedVector<float> padded(whole_tiles(values.size()), 0.0F);
    std::copy(values.begin(), values.end(), padded.begin());
    return padded;
}

TEST(PackedMatrix, float_products_are_those_of_the_plain_loop_on_every_kernel) {
    for (const Sizes& size : kSizes) {
        const auto weights = random_floats(size.outputs * size.inputs, 1);
        const auto values = random_floats(size.rows * size.inputs, 2);
        const auto bias = random_floats(size.outputs, 3);
        const FloatMatrix matrix(size.inputs, size.outputs, from(weights, size.inputs));
        const AlignedVector<float> biases = padded(bias);
        const std::size_t stride = whole_tiles(size.outputs);
        on_every_kernel([&](std::int64_t) {
            AlignedVector<float> results(size.rows * stride, 7.0F);
            kernels::multiply(values.data(), size.inputs, size.rows, matrix.data(), size.inputs, size.outputs,
                              biases.data(), results.data(), stride);
            for (std::size_t r = 0; r < size.rows; ++r) {
                for (std::size_t o = 0; o < size.outputs; ++o) {
                    double sum = bias[o];
                    for (std::size_t k = 0; k < size.inputs; ++k) {
                        sum += double{values[r * size.inputs + k]} * double{weights[o * size.inputs + k]};
                    }
                    ASSERT_NEAR(results[r * stride + o], sum, 1e-5 * (1 + std::sqrt(size.inputs)))
                        << size.rows << "x" << size.inputs << "x" << size.outputs << " at " << r << ", " << o;
                }
            }
        });
    }
}

TEST(PackedMatrix, codes_are_within_half_a_step_of_their_values_and_of_their_rows_alone) {
    for (const Sizes& size : kSizes) {
        const auto values = random_floats(size.rows * size.inputs, 4);
        const std::vector<float> identity = [&] {
            std::vector<float> weights(size.inputs * size.inputs, 0.0F);
            for (std::size_t i = 0; i < size.inputs; ++i) weights[i * size.inputs + i] = 127.0F;
            return weights;
        }();
        const ByteMatrix matrix(size.inputs, size.inputs, from(identity, size.inputs));
        const std::size_t stride = whole_tiles(size.inputs);
        on_every_kernel([&](std::int64_t) {
            CodedRows coded;
            kernels::encode_rows(values.data(), size.inputs, size.rows, size.inputs, coded);
            AlignedVector<float> results(size.rows * stride);
            kernels::multiply(coded, matrix, nullptr, results.data(), stride);
            for (std::size_t r = 0; r < size.rows; ++r) {
                const float* row = values.data() + r * size.inputs;
                const auto [low, high] = std::minmax_element(row, row + size.inputs);
                const float step = (*high - *low) / 255.0F;
                for (std::size_t k = 0; k < size.inputs; ++k) {
                    ASSERT_NEAR(results[r * stride + k] / 127.0F, row[k], 0.51F * step + 1e-6F);
                }
            }
        });
    }
}

TEST(PackedMatrix, byte_products_have_the_same_bits_on_every_kernel_with_a_fused_multiply_add) {
    for (const Sizes& size : kSizes) {
        const auto weights = random_floats(size.outputs * size.inputs, 5);
        const auto values = random_floats(size.rows * size.inputs, 6);
        const AlignedVector<float> bias = padded(random_floats(size.outputs, 7));
        const ByteMatrix bytes(size.inputs, size.outputs, from(weights, size.inputs));
        const FloatMatrix floats(size.inputs, size.outputs, from(weights, size.inputs));
        const std::size_t stride = whole_tiles(size.outputs);
        std::vector<AlignedVector<float>> by_bytes, by_floats;
        on_every_kernel([&](std::int64_t target) {
            AlignedVector<float> results(size.rows * stride);
            CodedRows coded;
            kernels::encode_rows(values.data(), size.inputs, size.rows, size.inputs, coded);
            kernels::multiply(coded, bytes, bias.data(), results.data(), stride);
            for (std::size_t r = 0; r < size.rows; ++r) {
                for (std::size_t o = 0; o < size.outputs; ++o) {
                    double sum = bias[o];
                    for (std::size_t k = 0; k < size.inputs; ++k) {
                        sum += double{values[r * size.inputs + k]} * double{weights[o * size.inputs + k]};
                    }
                    ASSERT_NEAR(results[r * stride + o], sum, 0.05 * (1 + std::sqrt(size.inputs)));
                }
            }
            if (!has_fused_multiply_add(target)) return;
            by_bytes.push_back(results);
            kernels::multiply(values.data(), size.inputs, size.rows, floats.data(), size.inputs, size.outputs,
                              bias.data(), results.data(), stride);
            by_floats.push_back(results);
        });
        for (const auto& results : by_bytes) ASSERT_EQ(results, by_bytes.front());
        for (const auto& results : by_floats) ASSERT_EQ(results, by_floats.front());
    }
}

TEST(PackedMatrix, values_and_what_their_codes_leave_out_make_the_values_again) {
    const std::size_t rows = 3, inputs = 37, padded_stride = whole_tiles(inputs);
    const auto values = random_floats(rows * inputs, 8);
    std::vector<float> identity(inputs * inputs, 0.0F);
    for (std::size_t i = 0; i < inputs; ++i) identity[i * inputs + i] = 1.0F;
    const ByteMatrix matrix(inputs, inputs, from(identity, inputs));
    on_every_kernel([&](std::int64_t) {
        CodedRows coded;
        std::vector<float> rest(values.size());
        kernels::encode_rows(values.data(), inputs, rows, inputs, coded, rest.data());
        AlignedVector<float> results(rows * padded_stride);
        kernels::multiply(coded, matrix, nullptr, results.data(), padded_stride);
        for (std::size_t i = 0; i < values.size(); ++i) {
            ASSERT_NEAR(results[i / inputs * padded_stride + i % inputs] + rest[i], values[i], 1e-6F);
        }
    });
}

TEST(PackedMatrix, a_row_of_one_value_and_weights_of_zero_are_exact) {
    const std::vector<float> values(32, 2.5F);
    std::vector<float> weights(2 * 32, 0.0F);
    weights[32] = 1.0F;  // the second output takes the first input
    const ByteMatrix matrix(32, 2, from(weights, 32));
    on_every_kernel([&](std::int64_t) {
        CodedRows coded;
        kernels::encode_rows(values.data(), 32, 1, 32, coded);
        AlignedVector<float> results(kTile);
        kernels::multiply(coded, matrix, nullptr, results.data(), kTile);
        EXPECT_EQ(results[0], 0.0F);
        EXPECT_FLOAT_EQ(results[1], 2.5F);
    });
}

}  // namespace
}  // namespace stele
