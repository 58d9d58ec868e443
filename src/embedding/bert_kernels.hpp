// What a transformer does between its matrix products. Additions have one order on every machine (see
// vectors/packed_matrix.hpp).
#pragma once

#include <cstddef>

namespace stele::kernels {

/// Each of `rows` rows of `width` floats: row = layer_norm(row + residual) * gain + bias. A null residual is zero.
/// Width is a multiple of 16.
void add_and_normalize(float* values, const float* residual, std::size_t rows, std::size_t width, const float* gain,
                       const float* bias, float epsilon);

/// x * (1 + erf(x / sqrt 2)) / 2 for each, with erf after Abramowitz and Stegun 7.1.26 (error below 2e-7). `count` is a
/// multiple of 16.
void gelu(float* values, std::size_t count);

/// Each of `rows` rows, `stride` floats apart (a multiple of 16): softmax(scale * row) over its first `count` floats;
/// the rest of the last 16 become zero.
void softmax(float* values, std::size_t stride, std::size_t rows, std::size_t count, float scale);

}  // namespace stele::kernels
