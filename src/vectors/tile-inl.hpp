// What the loops over tiles share. Included once for every instruction set, after Highway.
#if defined(STELE_TILE_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef STELE_TILE_INL_HPP
#undef STELE_TILE_INL_HPP
#else
#define STELE_TILE_INL_HPP
#endif

#include <cstddef>
#include <cstdint>

#include "vectors/packed_matrix.hpp"

HWY_BEFORE_NAMESPACE();
namespace stele::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::CappedTag<float, kTile>;
using Ints = hn::Rebind<std::int32_t, Floats>;
using FloatVector = hn::Vec<Floats>;
using IntVector = hn::Vec<Ints>;

#if HWY_TARGET == HWY_SCALAR
constexpr std::size_t kLanes = 1;
#else
constexpr std::size_t kLanes = HWY_MAX_BYTES / sizeof(float) < kTile ? HWY_MAX_BYTES / sizeof(float) : kTile;
#endif
constexpr std::size_t kVectorsPerTile = kTile / kLanes;
constexpr std::size_t kRegisters = kLanes == 16 || HWY_ARCH_ARM_A64 ? 32 : 16;

/// Even shares of at most `largest`: 14 rows as 5, 5 and 4 rather than 6, 6 and 2.
HWY_INLINE std::size_t share(std::size_t rows, std::size_t largest) {
    const std::size_t blocks = (rows + largest - 1) / largest;
    return (rows + blocks - 1) / blocks;
}

}  // namespace stele::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
