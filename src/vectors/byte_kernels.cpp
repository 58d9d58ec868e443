#include <algorithm>
#include <utility>

#include "vectors/packed_matrix.hpp"
#include "vectors/targets.hpp"

// Highway includes this file again for every instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "vectors/byte_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "vectors/byte_ways-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace stele::kernels::HWY_NAMESPACE {

struct Product {
    const CodedRows& coded;
    const ByteMatrix& matrix;
    const float* bias;
    float* results;
    std::size_t result_stride;
    std::size_t padded;  // inputs, and codes a row
};

/// From sums of codes to results: the row's minimum and the two scales come in here.
HWY_INLINE void store_sum(const Product& all, IntVector sum, std::int32_t offset, std::size_t row, std::size_t column) {
    const Floats d;
    const auto code_sums = hn::Load(d, all.matrix.sums() + column);
    if (offset != 0) sum = hn::Add(sum, hn::Mul(hn::ConvertTo(Ints(), code_sums), hn::Set(Ints(), offset)));
    const auto inner = hn::MulAdd(code_sums, hn::Set(d, all.coded.minima[row]),
                                  hn::Mul(hn::ConvertTo(d, sum), hn::Set(d, all.coded.scales[row])));
    auto result = hn::Mul(inner, hn::Load(d, all.matrix.scales() + column));
    if (all.bias != nullptr) result = hn::Add(result, hn::Load(d, all.bias + column));
    hn::Store(result, d, all.results + row * all.result_stride + column);
}

// As in float_kernels.cpp the sums stay in registers, and every loop over them is written out.
template <std::size_t... J>
HWY_INLINE void clear(IntVector* sums, std::index_sequence<J...>) {
    ((sums[J] = hn::Zero(Ints())), ...);
}
template <class Way, std::size_t... J>
HWY_INLINE void load_tiles(typename Way::Weights* weights, const std::int8_t* tiles, std::size_t tile_stride,
                           std::index_sequence<J...>) {
    ((weights[J] = Way::load(tiles + J / Way::kWeightsPerTile * tile_stride, J % Way::kWeightsPerTile)), ...);
}
template <class Way, std::size_t... J, class Codes>
HWY_INLINE void add_tiles(IntVector* sums, const typename Way::Weights* weights, Codes codes,
                          std::index_sequence<J...>) {
    (Way::add(sums + J * (Way::kSumsPerTile / Way::kWeightsPerTile), codes, weights[J]), ...);
}
template <class Way, std::size_t kTiles, std::size_t... R>
HWY_INLINE void add_rows(IntVector* sums, const typename Way::Weights* weights, const typename Way::Code* codes,
                         std::size_t stride, std::index_sequence<R...>) {
    (add_tiles<Way>(sums + R * kTiles * Way::kSumsPerTile, weights, Way::broadcast(codes + R * stride),
                    std::make_index_sequence<kTiles * Way::kWeightsPerTile>()),
     ...);
}

template <class Way, std::size_t... J>
HWY_INLINE void store_row(const Product& all, const IntVector* sums, std::size_t row, std::size_t column,
                          std::index_sequence<J...>) {
    (store_sum(all, Way::finish(sums, J), Way::kOffset, row, column + J * kLanes), ...);
}
template <class Way, std::size_t kTiles, std::size_t... R>
HWY_INLINE void store_rows(const Product& all, const IntVector* sums, std::size_t row, std::size_t column,
                           std::index_sequence<R...>) {
    (store_row<Way>(all, sums + R * kTiles * Way::kSumsPerTile, row + R, column,
                    std::make_index_sequence<kTiles * kVectorsPerTile>()),
     ...);
}

template <class Way, std::size_t kRows, std::size_t kTiles>
HWY_INLINE void byte_block(const Product& all, std::size_t row, std::size_t tile) {
    constexpr std::size_t kSums = kTiles * Way::kSumsPerTile;
    constexpr auto kWeights = std::make_index_sequence<kTiles * Way::kWeightsPerTile>();
    IntVector sums[kRows * kSums];
    clear(sums, std::make_index_sequence<kRows * kSums>());
    typename Way::Weights weights[kTiles * Way::kWeightsPerTile];
    const auto* codes = reinterpret_cast<const typename Way::Code*>(all.coded.codes.data()) + row * all.padded;
    const std::size_t tile_stride = all.padded * kTile;
    const std::int8_t* tiles = all.matrix.data() + tile * tile_stride;
    for (std::size_t k = 0; k < all.padded; k += 4) {
        load_tiles<Way>(weights, tiles + k * kTile, tile_stride, kWeights);
        add_rows<Way, kTiles>(sums, weights, codes + k, all.padded, std::make_index_sequence<kRows>());
    }
    store_rows<Way, kTiles>(all, sums, row, tile * kTile, std::make_index_sequence<kRows>());
}

template <class Way, std::size_t kTiles, std::size_t kRows = Way::kRows>
HWY_INLINE void byte_rows(std::size_t rows, const Product& all, std::size_t row, std::size_t tile) {
    if (rows == kRows) {
        byte_block<Way, kRows, kTiles>(all, row, tile);
    } else if constexpr (kRows > 1) {
        byte_rows<Way, kTiles, kRows - 1>(rows, all, row, tile);
    }
}

template <class Way, std::size_t kTiles>
void byte_tiles(const Product& all, std::size_t tile) {
    const std::size_t rows = all.coded.rows;
    const std::size_t block = share(rows, Way::kRows);
    for (std::size_t row = 0; row < rows; row += block) {
        byte_rows<Way, kTiles>(std::min(block, rows - row), all, row, tile);
    }
}

template <class Way>
void multiply_as(const CodedRows& coded, const ByteMatrix& matrix, const float* bias, float* results,
                 std::size_t result_stride) {
    const Product all{coded, matrix, bias, results, result_stride, padded_inputs(coded.inputs)};
    const std::size_t tiles = whole_tiles(matrix.outputs()) / kTile;
    std::size_t tile = 0;
    for (; tile + Way::kTiles <= tiles; tile += Way::kTiles) byte_tiles<Way, Way::kTiles>(all, tile);
    for (; tile < tiles; ++tile) byte_tiles<Way, 1>(all, tile);
}

void multiply_pairs(const CodedRows& coded, const ByteMatrix& matrix, const float* bias, float* results,
                    std::size_t result_stride) {
    multiply_as<Pairs>(coded, matrix, bias, results, result_stride);
}
void multiply_best(const CodedRows& coded, const ByteMatrix& matrix, const float* bias, float* results,
                   std::size_t result_stride) {
    multiply_as<Best>(coded, matrix, bias, results, result_stride);
}

}  // namespace stele::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace stele::kernels {

HWY_EXPORT(multiply_pairs);
HWY_EXPORT(multiply_best);

void multiply(const CodedRows& coded, const ByteMatrix& matrix, const float* bias, float* results,
              std::size_t result_stride) {
    if (uses_dot_product()) {
        HWY_DYNAMIC_DISPATCH(multiply_best)(coded, matrix, bias, results, result_stride);
    } else {
        HWY_DYNAMIC_DISPATCH(multiply_pairs)(coded, matrix, bias, results, result_stride);
    }
}

}  // namespace stele::kernels
#endif
