// Products of a few rows with a matrix that never changes: y = x W + b, W packed once in the order in which it is read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "vectors/aligned.hpp"

namespace stele {

/// Columns come in tiles of 16, whatever the machine's registers hold: one layout, and one order of additions, so that
/// the same rows give the same bits on every machine that has a fused multiply-add.
inline constexpr std::size_t kTile = 16;
constexpr std::size_t whole_tiles(std::size_t count) noexcept {
    return (count + kTile - 1) / kTile * kTile;
}

/// Codes are met four at a time.
constexpr std::size_t padded_inputs(std::size_t inputs) noexcept {
    return (inputs + 3) / 4 * 4;
}

/// Writes the weights of `count` outputs from `first` on, `inputs` floats each, one output after the other.
using FetchOutputs = std::function<void(std::size_t first, std::size_t count, float* weights)>;

/// float32. Layout [tile][input][16]. Immutable once made, hence thread-safe.
class FloatMatrix {
public:
    FloatMatrix() = default;
    FloatMatrix(std::size_t inputs, std::size_t outputs, const FetchOutputs& fetch);
    std::size_t inputs() const noexcept { return inputs_; }
    std::size_t outputs() const noexcept { return outputs_; }
    const float* data() const noexcept { return weights_.data(); }

private:
    std::size_t inputs_ = 0;
    std::size_t outputs_ = 0;
    AlignedVector<float> weights_;
};

/// Rows of activations in 8 bits: value = minimum + scale * code, with a minimum and a scale for each row, so that a
/// row does not depend on its neighbours. How codes are laid out is the kernels' matter.
struct CodedRows {
    std::size_t rows = 0;
    std::size_t inputs = 0;
    AlignedVector<std::byte> codes;
    AlignedVector<float> minima;
    AlignedVector<float> scales;
};

/// Weights in 8 bits, which must be finite: weight = scale[output] * code, codes from -127 to 127. Layout [tile][input
/// / 4][16][4]; inputs are padded to a multiple of 4 with zeros. Immutable once made, hence thread-safe.
class ByteMatrix {
public:
    ByteMatrix() = default;
    ByteMatrix(std::size_t inputs, std::size_t outputs, const FetchOutputs& fetch);
    std::size_t inputs() const noexcept { return inputs_; }
    std::size_t outputs() const noexcept { return outputs_; }
    const std::int8_t* data() const noexcept { return codes_.data(); }
    const float* scales() const noexcept { return scales_.data(); }
    const float* sums() const noexcept { return sums_.data(); }  ///< of the codes of each output

private:
    std::size_t inputs_ = 0;
    std::size_t outputs_ = 0;
    AlignedVector<std::int8_t> codes_;
    AlignedVector<float> scales_;
    AlignedVector<float> sums_;
};

namespace kernels {

/// Codes `rows` rows of `inputs` floats, `stride` floats apart. `rest`, unless null, gets what the codes leave out of
/// the values, `inputs` floats a row; it may be coded in its turn.
void encode_rows(const float* values, std::size_t stride, std::size_t rows, std::size_t inputs, CodedRows& coded,
                 float* rest = nullptr);

/// Whether the machine's instruction for dot products of 8 bits is used, which is so where there is one; for tests,
/// which try both ways. Not while others multiply or hold coded rows.
bool use_dot_product(bool wanted) noexcept;
bool uses_dot_product() noexcept;

/// results[row][output] = sum of values[row][input] * weight + bias[output]. `bias` and each row of `results` have room
/// for, and get, whole_tiles(outputs) floats; results are 64-byte aligned, result_stride a multiple of 16. A null bias
/// is zero.
void multiply(const float* values, std::size_t stride, std::size_t rows, const float* weights, std::size_t inputs,
              std::size_t outputs, const float* bias, float* results, std::size_t result_stride);
void multiply(const CodedRows& coded, const ByteMatrix& matrix, const float* bias, float* results,
              std::size_t result_stride);

}  // namespace kernels
}  // namespace stele
