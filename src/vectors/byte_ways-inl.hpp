// The ways of a dot product of 8 bits. Included once for every instruction set, after Highway.
#if defined(STELE_BYTE_WAYS_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef STELE_BYTE_WAYS_INL_HPP
#undef STELE_BYTE_WAYS_INL_HPP
#else
#define STELE_BYTE_WAYS_INL_HPP
#endif

#include <cstddef>
#include <cstdint>
#include <cstring>

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
        asm(".arch armv8.2-a+crypto+dotprod\n\tsdot %0.4s, %1.16b, %2.16b"
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

#if (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3) || \
    (HWY_ARCH_ARM_A64 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128)
using Best = FourAtOnce;
#else
using Best = Pairs;
#endif

}  // namespace stele::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
