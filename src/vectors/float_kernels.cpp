#include <algorithm>
#include <utility>

#include "vectors/packed_matrix.hpp"
#include "vectors/targets.hpp"

// Highway includes this file again for every instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "vectors/float_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "vectors/tile-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace stele::kernels::HWY_NAMESPACE {

// The results of a block of rows and tiles stay in registers while all inputs pass by. Every loop over registers is
// written out (by fold expressions): a compiler that does not unroll it keeps the results in memory.
template <std::size_t... J>
HWY_INLINE void add_products(FloatVector* sums, const FloatVector* weights, FloatVector value,
                             std::index_sequence<J...>) {
    ((sums[J] = hn::MulAdd(value, weights[J], sums[J])), ...);
}
template <std::size_t kVectors, std::size_t... R>
HWY_INLINE void add_input(FloatVector* sums, const FloatVector* weights, const float* values, std::size_t stride,
                          std::index_sequence<R...>) {
    (add_products(sums + R * kVectors, weights, hn::Set(Floats(), values[R * stride]),
                  std::make_index_sequence<kVectors>()),
     ...);
}
template <std::size_t... J>
HWY_INLINE void load_weights(FloatVector* weights, const float* tiles, std::size_t tile_stride,
                             std::index_sequence<J...>) {
    ((weights[J] = hn::Load(Floats(), tiles + J / kVectorsPerTile * tile_stride + J % kVectorsPerTile * kLanes)), ...);
}

template <std::size_t... J>
HWY_INLINE void clear(FloatVector* sums, std::index_sequence<J...>) {
    ((sums[J] = hn::Zero(Floats())), ...);
}
template <std::size_t... J>
HWY_INLINE void store_row(const FloatVector* sums, const float* bias, float* results, std::index_sequence<J...>) {
    const Floats d;
    if (bias == nullptr) {
        (hn::Store(sums[J], d, results + J * kLanes), ...);
    } else {
        (hn::Store(hn::Add(sums[J], hn::Load(d, bias + J * kLanes)), d, results + J * kLanes), ...);
    }
}
template <std::size_t kVectors, std::size_t... R>
HWY_INLINE void store_rows(const FloatVector* sums, const float* bias, float* results, std::size_t stride,
                           std::index_sequence<R...>) {
    (store_row(sums + R * kVectors, bias, results + R * stride, std::make_index_sequence<kVectors>()), ...);
}

template <std::size_t kRows, std::size_t kTiles>
HWY_INLINE void float_block(const float* values, std::size_t stride, const float* tiles, std::size_t inputs,
                            const float* bias, float* results, std::size_t result_stride) {
    constexpr std::size_t kVectors = kTiles * kVectorsPerTile;
    FloatVector sums[kRows * kVectors];
    clear(sums, std::make_index_sequence<kRows * kVectors>());
    FloatVector weights[kVectors];
    for (std::size_t k = 0; k < inputs; ++k) {
        load_weights(weights, tiles + k * kTile, inputs * kTile, std::make_index_sequence<kVectors>());
        add_input<kVectors>(sums, weights, values + k, stride, std::make_index_sequence<kRows>());
    }
    store_rows<kVectors>(sums, bias, results, result_stride, std::make_index_sequence<kRows>());
}

constexpr std::size_t kFloatTiles = kLanes == 16 ? 4 : 1;
constexpr std::size_t kFloatRows = kRegisters == 32 ? 6 : (kVectorsPerTile == 2 ? 6 : 2);

template <std::size_t kTiles, std::size_t kRows = kFloatRows>
HWY_INLINE void float_rows(std::size_t rows, const float* values, std::size_t stride, const float* tiles,
                           std::size_t inputs, const float* bias, float* results, std::size_t result_stride) {
    if (rows == kRows) {
        float_block<kRows, kTiles>(values, stride, tiles, inputs, bias, results, result_stride);
    } else if constexpr (kRows > 1) {
        float_rows<kTiles, kRows - 1>(rows, values, stride, tiles, inputs, bias, results, result_stride);
    }
}

template <std::size_t kTiles>
void float_tiles(const float* values, std::size_t stride, std::size_t rows, const float* tiles, std::size_t inputs,
                 const float* bias, float* results, std::size_t result_stride) {
    const std::size_t block = share(rows, kFloatRows);
    for (std::size_t row = 0; row < rows; row += block) {
        float_rows<kTiles>(std::min(block, rows - row), values + row * stride, stride, tiles, inputs, bias,
                           results + row * result_stride, result_stride);
    }
}

void multiply_floats(const float* values, std::size_t stride, std::size_t rows, const float* weights,
                     std::size_t inputs, std::size_t outputs, const float* bias, float* results,
                     std::size_t result_stride) {
    const std::size_t tiles = whole_tiles(outputs) / kTile;
    std::size_t tile = 0;
    const auto at = [&](std::size_t t) { return bias == nullptr ? nullptr : bias + t * kTile; };
    for (; tile + kFloatTiles <= tiles; tile += kFloatTiles) {
        float_tiles<kFloatTiles>(values, stride, rows, weights + tile * inputs * kTile, inputs, at(tile),
                                 results + tile * kTile, result_stride);
    }
    for (; tile < tiles; ++tile) {
        float_tiles<1>(values, stride, rows, weights + tile * inputs * kTile, inputs, at(tile), results + tile * kTile,
                       result_stride);
    }
}

}  // namespace stele::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace stele::kernels {

HWY_EXPORT(multiply_floats);

void multiply(const float* values, std::size_t stride, std::size_t rows, const float* weights, std::size_t inputs,
              std::size_t outputs, const float* bias, float* results, std::size_t result_stride) {
    HWY_DYNAMIC_DISPATCH(multiply_floats)
    (values, stride, rows, weights, inputs, outputs, bias, results, result_stride);
}

}  // namespace stele::kernels
#endif
