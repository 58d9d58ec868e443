#include "vectors/row_kernels.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "vectors/packed_matrix.hpp"
#include "vectors/targets.hpp"

// Highway includes this file again for every instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "vectors/row_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "vectors/byte_ways-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace stele::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

constexpr float kLargestCode = 127;

using Halves = hn::Rebind<hwy::float16_t, Floats>;

HWY_INLINE FloatVector load_halves(const Half* halves) {
    return hn::PromoteTo(Floats(), hn::Load(Halves(), reinterpret_cast<const hwy::float16_t*>(halves)));
}

void to_halves_with_target(const float* values, std::size_t count, Half* halves) {
    for (std::size_t j = 0; j < count; j += kLanes) {
        hn::Store(hn::DemoteTo(Halves(), hn::Load(Floats(), values + j)), Halves(),
                  reinterpret_cast<hwy::float16_t*>(halves + j));
    }
}

float to_codes_with_target(const float* values, std::size_t count, std::int8_t* codes, float* left) {
    const Floats d;
    const hn::Rebind<std::int8_t, Ints> bytes;
    const std::size_t whole = count / kLanes * kLanes;
    auto most = hn::Zero(d);
    for (std::size_t j = 0; j < whole; j += kLanes) most = hn::Max(most, hn::Abs(hn::LoadU(d, values + j)));
    float largest = hn::GetLane(hn::MaxOfLanes(d, most));
    for (std::size_t j = whole; j < count; ++j) largest = std::max(largest, std::fabs(values[j]));

    const float scale = largest / kLargestCode;
    const float inverse = scale >= std::numeric_limits<float>::min() ? 1 / scale : 0;
    const auto scales = hn::Set(d, scale), inverses = hn::Set(d, inverse);
    const auto lowest = hn::Set(Ints(), -127), highest = hn::Set(Ints(), 127);
    for (std::size_t j = 0; j < whole; j += kLanes) {
        const auto value = hn::LoadU(d, values + j);
        const auto code = hn::Min(hn::Max(hn::NearestInt(hn::Mul(value, inverses)), lowest), highest);
        hn::StoreU(hn::DemoteTo(bytes, code), bytes, codes + j);
        if (left != nullptr) hn::StoreU(hn::NegMulAdd(hn::ConvertTo(d, code), scales, value), d, left + j);
    }
    for (std::size_t j = whole; j < count; ++j) {
        const float rounded = std::nearbyint(values[j] * inverse);
        const float code = std::fmax(-kLargestCode, std::fmin(kLargestCode, rounded));
        codes[j] = static_cast<std::int8_t>(code);
        if (left != nullptr) left[j] = values[j] - code * scale;
    }
    return inverse > 0 ? scale : 0;
}

// As the loop of kernels.cpp: one row after the other, two accumulators, as a register holds half as many bytes.
void dot_halves_with_target(const Half* rows, const float* query, std::size_t stride, float* scores,
                            std::size_t count) {
    const Floats d;
    for (std::size_t i = 0; i < count; ++i, rows += stride) {
        auto sum0 = hn::Zero(d), sum1 = hn::Zero(d);
        for (std::size_t j = 0; j < stride; j += 2 * kLanes) {
            sum0 = hn::MulAdd(load_halves(rows + j), hn::Load(d, query + j), sum0);
            sum1 = hn::MulAdd(load_halves(rows + j + kLanes), hn::Load(d, query + j + kLanes), sum1);
        }
        scores[i] = hn::GetLane(hn::SumOfLanes(d, hn::Add(sum0, sum1)));
    }
}

float dot_two_halves_with_target(const Half* a, const Half* b, std::size_t count) {
    const Floats d;
    auto sum0 = hn::Zero(d), sum1 = hn::Zero(d);
    for (std::size_t j = 0; j < count; j += 2 * kLanes) {
        sum0 = hn::MulAdd(load_halves(a + j), load_halves(b + j), sum0);
        sum1 = hn::MulAdd(load_halves(a + j + kLanes), load_halves(b + j + kLanes), sum1);
    }
    return hn::GetLane(hn::SumOfLanes(d, hn::Add(sum0, sum1)));
}

#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
// The instruction takes unsigned codes on one side: rows are moved up by 128, for which 128 times the query's sum goes.
struct BestDot {
    using Way = FourAtOnce;
    static constexpr std::size_t kStep = 4 * kLanes;
    static constexpr std::int32_t kMoved = 128;
    static HWY_INLINE void add(IntVector* sums, const std::int8_t* row, const std::int8_t* query) {
        Way::add(sums, hn::Xor(Way::load(row, 0), hn::Set(Ints(), static_cast<std::int32_t>(0x80808080U))),
                 Way::load(query, 0));
    }
};
#endif

#if HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128 && (HWY_ARCH_X86 || HWY_ARCH_ARM_A64)
template <class AWay>
struct Plain {
    using Way = AWay;
    static constexpr std::size_t kStep = HWY_ARCH_X86 ? 2 * kLanes : 4 * kLanes;
    static constexpr std::int32_t kMoved = 0;
    static HWY_INLINE void add(IntVector* sums, const std::int8_t* row, const std::int8_t* query) {
        Way::add(sums, Way::load(row, 0), Way::load(query, 0));
    }
};
using PairsDot = Plain<Pairs>;
#if HWY_ARCH_ARM_A64
using BestDot = Plain<FourAtOnce>;
#elif HWY_TARGET > HWY_AVX3
using BestDot = PairsDot;
#endif

template <class Dot>
HWY_INLINE void dot_bytes_as(const std::int8_t* rows, const std::int8_t* query, std::size_t stride, float* scores,
                             std::size_t count) {
    constexpr std::size_t kSums = Dot::Way::kSumsPerTile / Dot::Way::kWeightsPerTile;  // that one addition fills
    std::int32_t moved = 0;
    if (Dot::kMoved != 0) {
        for (std::size_t j = 0; j < stride; ++j) moved += query[j];
    }
    for (std::size_t i = 0; i < count; ++i, rows += stride) {
        IntVector even[kSums], odd[kSums];
        for (std::size_t s = 0; s < kSums; ++s) even[s] = odd[s] = hn::Zero(Ints());
        std::size_t j = 0;
        for (; j + 2 * Dot::kStep <= stride; j += 2 * Dot::kStep) {
            Dot::add(even, rows + j, query + j);
            Dot::add(odd, rows + j + Dot::kStep, query + j + Dot::kStep);
        }
        for (; j < stride; j += Dot::kStep) Dot::add(even, rows + j, query + j);
        auto sum = hn::Add(even[0], odd[0]);
        for (std::size_t s = 1; s < kSums; ++s) sum = hn::Add(sum, hn::Add(even[s], odd[s]));
        scores[i] = static_cast<float>(hn::GetLane(hn::SumOfLanes(Ints(), sum)) - Dot::kMoved * moved);
    }
}
void dot_pairs_with_target(const std::int8_t* rows, const std::int8_t* query, std::size_t stride, float* scores,
                           std::size_t count) {
    dot_bytes_as<PairsDot>(rows, query, stride, scores, count);
}
void dot_bytes_with_target(const std::int8_t* rows, const std::int8_t* query, std::size_t stride, float* scores,
                           std::size_t count) {
    dot_bytes_as<BestDot>(rows, query, stride, scores, count);
}
#else
void dot_pairs_with_target(const std::int8_t* rows, const std::int8_t* query, std::size_t stride, float* scores,
                           std::size_t count) {
    for (std::size_t i = 0; i < count; ++i, rows += stride) {
        std::int32_t sum = 0;
        for (std::size_t j = 0; j < stride; ++j) sum += rows[j] * query[j];
        scores[i] = static_cast<float>(sum);
    }
}
void dot_bytes_with_target(const std::int8_t* rows, const std::int8_t* query, std::size_t stride, float* scores,
                           std::size_t count) {
    dot_pairs_with_target(rows, query, stride, scores, count);
}
#endif

}  // namespace stele::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace stele::kernels {

HWY_EXPORT(to_halves_with_target);
HWY_EXPORT(to_codes_with_target);
HWY_EXPORT(dot_halves_with_target);
HWY_EXPORT(dot_two_halves_with_target);
HWY_EXPORT(dot_pairs_with_target);
HWY_EXPORT(dot_bytes_with_target);

void to_halves(std::span<const float> values, Half* halves) noexcept {
    HWY_DYNAMIC_DISPATCH(to_halves_with_target)(values.data(), values.size(), halves);
}

float to_codes(std::span<const float> values, std::int8_t* codes, float* left) noexcept {
    return HWY_DYNAMIC_DISPATCH(to_codes_with_target)(values.data(), values.size(), codes, left);
}

void dot_rows(const Half* rows, std::span<const float> query, std::span<float> scores) noexcept {
    HWY_DYNAMIC_DISPATCH(dot_halves_with_target)(rows, query.data(), query.size(), scores.data(), scores.size());
}

float dot_halves(std::span<const Half> a, std::span<const Half> b) noexcept {
    return HWY_DYNAMIC_DISPATCH(dot_two_halves_with_target)(a.data(), b.data(), a.size());
}

void dot_rows(const std::int8_t* rows, std::span<const std::int8_t> query, std::span<float> scores) noexcept {
    if (uses_dot_product()) {
        HWY_DYNAMIC_DISPATCH(dot_bytes_with_target)(rows, query.data(), query.size(), scores.data(), scores.size());
    } else {
        HWY_DYNAMIC_DISPATCH(dot_pairs_with_target)(rows, query.data(), query.size(), scores.data(), scores.size());
    }
}

}  // namespace stele::kernels
#endif
