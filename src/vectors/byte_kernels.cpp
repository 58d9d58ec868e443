#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <utility>
#if defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#include "vectors/packed_matrix.hpp"

// Arrays of vectors need vectors of a known size, which SVE and RVV do not have.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
// Highway includes this file again for every instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "vectors/byte_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "vectors/tile-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace stele::kernels::HWY_NAMESPACE {

// How four codes meet four weights: the one thing in which machines differ. Each way is exact, so that all get the same
// integers.
//   Code          a code as it is stored
//   kOffset       what was subtracted from it
//   Weights       a vector of weights, kWeightsPerTile of them a tile
//   kSumsPerTile  vectors of sums a tile, of which finish() makes the result's vector number `at`
//   kTiles, kRows the block that fits the registers

#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
// AVX-512 VNNI. By name, because the oldest Highway that we support has no such operation and builds no such target.
struct FourAtOnce {
    using Code = std::uint8_t;
    using Weights = IntVector;
    static constexpr std::int32_t kOffset = 0;
    static constexpr std::size_t kWeightsPerTile = 1, kSumsPerTile = 1, kTiles = 4, kRows = 6;

    static HWY_INLINE Weights load(const std::int8_t* tile, std::size_t) {
        return hn::BitCast(Ints(), hn::Load(hn::Repartition<std::int8_t, Ints>(), tile));
    }
    static HWY_INLINE Weights broadcast(const Code* codes) {
        std::int32_t four;
        std::memcpy(&four, codes, sizeof four);
        return hn::Set(Ints(), four);
    }
    static HWY_INLINE void add(IntVector* sums, Weights codes, Weights weights) {
        asm("vpdpbusd %2, %1, %0" : "+v"(sums->raw) : "v"(codes.raw), "v"(weights.raw));
    }
    static HWY_INLINE IntVector finish(const IntVector* sums, std::size_t at) { return sums[at]; }
};
#endif

#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
// Products of 16 bits, added in pairs.
struct Pairs {
    using Code = std::int16_t;
    using Shorts = hn::Repartition<std::int16_t, Ints>;
    using Weights = hn::Vec<Shorts>;
    static constexpr std::int32_t kOffset = 0;
    static constexpr std::size_t kWeightsPerTile = 2 * kVectorsPerTile, kSumsPerTile = kWeightsPerTile;
    static constexpr std::size_t kTiles = kLanes == 16 ? 2 : 1;
    static constexpr std::size_t kRows = kLanes == 16 ? 6 : (kLanes == 8 ? 3 : 1);

    static HWY_INLINE Weights load(const std::int8_t* tile, std::size_t at) {
        return hn::PromoteTo(Shorts(), hn::Load(hn::Rebind<std::int8_t, Shorts>(), tile + at * 2 * kLanes));
    }
    static HWY_INLINE Weights broadcast(const Code* codes) {
        std::int64_t four;
        std::memcpy(&four, codes, sizeof four);
        return hn::BitCast(Shorts(), hn::Set(hn::Repartition<std::int64_t, Ints>(), four));
    }
    static HWY_INLINE void add(IntVector* sums, Weights codes, Weights weights) {
#if HWY_TARGET <= HWY_AVX3
        *sums = hn::Add(*sums, IntVector{_mm512_madd_epi16(codes.raw, weights.raw)});
#elif HWY_TARGET <= HWY_AVX2
        *sums = hn::Add(*sums, IntVector{_mm256_madd_epi16(codes.raw, weights.raw)});
#else
        *sums = hn::Add(*sums, IntVector{_mm_madd_epi16(codes.raw, weights.raw)});
#endif
    }
    static HWY_INLINE IntVector finish(const IntVector* sums, std::size_t at) {
        const auto low = sums[2 * at];
        const auto high = sums[2 * at + 1];
        return hn::Add(hn::ConcatEven(Ints(), high, low), hn::ConcatOdd(Ints(), high, low));
    }
};
#elif HWY_ARCH_ARM_A64 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
// The dot product of Armv8.2, and products of 16 bits for older machines. Both take signed codes.
struct FourAtOnce {
    using Code = std::int8_t;
    using Bytes = hn::Repartition<std::int8_t, Ints>;
    using Weights = hn::Vec<Bytes>;
    static constexpr std::int32_t kOffset = 128;
    static constexpr std::size_t kWeightsPerTile = 4, kSumsPerTile = 4, kTiles = 1, kRows = 5;

    static HWY_INLINE Weights load(const std::int8_t* tile, std::size_t at) {
        return hn::Load(Bytes(), tile + at * 4 * kLanes);
    }
    static HWY_INLINE Weights broadcast(const Code* codes) {
        std::int32_t four;
        std::memcpy(&four, codes, sizeof four);
        return hn::BitCast(Bytes(), hn::Set(Ints(), four));
    }
    static HWY_INLINE void add(IntVector* sums, Weights codes, Weights weights) {
        asm(".arch_extension dotprod\n\tsdot %0.4s, %1.16b, %2.16b"
            : "+w"(sums->raw)
            : "w"(codes.raw), "w"(weights.raw));
    }
    static HWY_INLINE IntVector finish(const IntVector* sums, std::size_t at) { return sums[at]; }
};
struct Pairs : FourAtOnce {
    static constexpr std::size_t kSumsPerTile = 8, kRows = 2;
    static HWY_INLINE void add(IntVector* sums, Weights codes, Weights weights) {
        sums[0] = IntVector(vpadalq_s16(sums[0].raw, vmull_s8(vget_low_s8(codes.raw), vget_low_s8(weights.raw))));
        sums[1] = IntVector(vpadalq_s16(sums[1].raw, vmull_high_s8(codes.raw, weights.raw)));
    }
    static HWY_INLINE IntVector finish(const IntVector* sums, std::size_t at) {
        return IntVector(vpaddq_s32(sums[2 * at].raw, sums[2 * at + 1].raw));
    }
};
#else
// Any machine: no vectors, but the same results.
struct Pairs {
    using Code = std::int32_t;
    using Weights = const std::int8_t*;
    static constexpr std::int32_t kOffset = 0;
    static constexpr std::size_t kWeightsPerTile = kVectorsPerTile, kSumsPerTile = kWeightsPerTile, kTiles = 1;
    static constexpr std::size_t kRows = 1;

    static HWY_INLINE Weights load(const std::int8_t* tile, std::size_t at) { return tile + at * 4 * kLanes; }
    static HWY_INLINE const Code* broadcast(const Code* codes) { return codes; }
    static HWY_INLINE void add(IntVector* sums, const Code* codes, Weights weights) {
        HWY_ALIGN std::int32_t lanes[kLanes];
        hn::Store(*sums, Ints(), lanes);
        for (std::size_t i = 0; i < 4 * kLanes; ++i) lanes[i / 4] += codes[i % 4] * weights[i];
        *sums = hn::Load(Ints(), lanes);
    }
    static HWY_INLINE IntVector finish(const IntVector* sums, std::size_t at) { return sums[at]; }
};
#endif

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

template <class Way>
void encode_as(const float* values, std::size_t stride, std::size_t rows, std::size_t inputs, CodedRows& coded) {
    using Code = typename Way::Code;
    const Floats d;
    const hn::Rebind<Code, Ints> codes_tag;
    const std::size_t padded = padded_inputs(inputs);
    coded.rows = rows;
    coded.inputs = inputs;
    coded.codes.resize(rows * padded * sizeof(Code));
    coded.minima.resize(rows);
    coded.scales.resize(rows);
    auto* codes = reinterpret_cast<Code*>(coded.codes.data());
    for (std::size_t row = 0; row < rows; ++row, values += stride, codes += padded) {
        auto low = hn::Set(d, values[0]);
        auto high = low;
        const std::size_t whole = inputs / kLanes * kLanes;
        for (std::size_t k = 0; k < whole; k += kLanes) {
            const auto value = hn::LoadU(d, values + k);
            low = hn::Min(low, value);
            high = hn::Max(high, value);
        }
        float minimum = hn::GetLane(hn::MinOfLanes(d, low));
        float maximum = hn::GetLane(hn::MaxOfLanes(d, high));
        for (std::size_t k = whole; k < inputs; ++k) {
            minimum = std::min(minimum, values[k]);
            maximum = std::max(maximum, values[k]);
        }
        const float scale = (maximum - minimum) / 255.0F;
        const float inverse = scale > 0 ? 1.0F / scale : 0.0F;
        coded.minima[row] = minimum;
        coded.scales[row] = scale;
        const auto minima = hn::Set(d, minimum);
        const auto inverses = hn::Set(d, inverse);
        for (std::size_t k = 0; k < whole; k += kLanes) {
            auto code = hn::NearestInt(hn::Mul(hn::Sub(hn::LoadU(d, values + k), minima), inverses));
            code = hn::Sub(hn::Min(code, hn::Set(Ints(), 255)), hn::Set(Ints(), Way::kOffset));
            if constexpr (sizeof(Code) == sizeof(std::int32_t)) {
                hn::StoreU(code, codes_tag, codes + k);
            } else {
                hn::StoreU(hn::DemoteTo(codes_tag, code), codes_tag, codes + k);
            }
        }
        for (std::size_t k = whole; k < inputs; ++k) {
            const float code = std::min(std::nearbyint((values[k] - minimum) * inverse), 255.0F);
            codes[k] = static_cast<Code>(static_cast<std::int32_t>(code) - Way::kOffset);
        }
        for (std::size_t k = inputs; k < padded; ++k) codes[k] = 0;
    }
}

void encode_pairs(const float* values, std::size_t stride, std::size_t rows, std::size_t inputs, CodedRows& coded) {
    encode_as<Pairs>(values, stride, rows, inputs, coded);
}
void multiply_pairs(const CodedRows& coded, const ByteMatrix& matrix, const float* bias, float* results,
                    std::size_t result_stride) {
    multiply_as<Pairs>(coded, matrix, bias, results, result_stride);
}
#if (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3) || \
    (HWY_ARCH_ARM_A64 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128)
using Best = FourAtOnce;
#else
using Best = Pairs;
#endif
void encode_four(const float* values, std::size_t stride, std::size_t rows, std::size_t inputs, CodedRows& coded) {
    encode_as<Best>(values, stride, rows, inputs, coded);
}
void multiply_four(const CodedRows& coded, const ByteMatrix& matrix, const float* bias, float* results,
                   std::size_t result_stride) {
    multiply_as<Best>(coded, matrix, bias, results, result_stride);
}

}  // namespace stele::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace stele::kernels {
namespace {

bool machine_has_dot_product() noexcept {
#if HWY_ARCH_X86
    return __builtin_cpu_supports("avx512vnni") != 0;
#elif HWY_ARCH_ARM_A64 && defined(__linux__)
    return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
#else
    return false;
#endif
}

std::atomic<bool> dot_product{machine_has_dot_product()};

}  // namespace

HWY_EXPORT(encode_pairs);
HWY_EXPORT(encode_four);
HWY_EXPORT(multiply_pairs);
HWY_EXPORT(multiply_four);

bool use_dot_product(bool wanted) noexcept {
    dot_product = wanted && machine_has_dot_product();
    return dot_product;
}

void encode_rows(const float* values, std::size_t stride, std::size_t rows, std::size_t inputs, CodedRows& coded) {
    if (dot_product) {
        HWY_DYNAMIC_DISPATCH(encode_four)(values, stride, rows, inputs, coded);
    } else {
        HWY_DYNAMIC_DISPATCH(encode_pairs)(values, stride, rows, inputs, coded);
    }
}

void multiply(const CodedRows& coded, const ByteMatrix& matrix, const float* bias, float* results,
              std::size_t result_stride) {
    if (dot_product) {
        HWY_DYNAMIC_DISPATCH(multiply_four)(coded, matrix, bias, results, result_stride);
    } else {
        HWY_DYNAMIC_DISPATCH(multiply_pairs)(coded, matrix, bias, results, result_stride);
    }
}

}  // namespace stele::kernels
#endif
