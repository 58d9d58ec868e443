#include <algorithm>
#include <atomic>
#include <cmath>
#if defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#include "vectors/packed_matrix.hpp"
#include "vectors/targets.hpp"

// Highway includes this file again for every instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "vectors/byte_codes.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "vectors/byte_ways-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace stele::kernels::HWY_NAMESPACE {

template <class Way>
void encode_as(const float* values, std::size_t stride, std::size_t rows, std::size_t inputs, CodedRows& coded,
               float* rest) {
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
            const auto value = hn::LoadU(d, values + k);
            auto code = hn::NearestInt(hn::Mul(hn::Sub(value, minima), inverses));
            code = hn::Min(code, hn::Set(Ints(), 255));
            if (rest != nullptr) {
                const auto coded_value = hn::MulAdd(hn::ConvertTo(d, code), hn::Set(d, scale), minima);
                hn::StoreU(hn::Sub(value, coded_value), d, rest + k);
            }
            code = hn::Sub(code, hn::Set(Ints(), Way::kOffset));
            if constexpr (sizeof(Code) == sizeof(std::int32_t)) {
                hn::StoreU(code, codes_tag, codes + k);
            } else {
                hn::StoreU(hn::DemoteTo(codes_tag, code), codes_tag, codes + k);
            }
        }
        for (std::size_t k = whole; k < inputs; ++k) {
            const float code = std::min(std::nearbyint((values[k] - minimum) * inverse), 255.0F);
            if (rest != nullptr) rest[k] = values[k] - (code * scale + minimum);
            codes[k] = static_cast<Code>(static_cast<std::int32_t>(code) - Way::kOffset);
        }
        for (std::size_t k = inputs; k < padded; ++k) codes[k] = 0;
        if (rest != nullptr) rest += inputs;
    }
}

void encode_for_pairs(const float* values, std::size_t stride, std::size_t rows, std::size_t inputs, CodedRows& coded,
                      float* rest) {
    encode_as<Pairs>(values, stride, rows, inputs, coded, rest);
}
void encode_for_best(const float* values, std::size_t stride, std::size_t rows, std::size_t inputs, CodedRows& coded,
                     float* rest) {
    encode_as<Best>(values, stride, rows, inputs, coded, rest);
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

HWY_EXPORT(encode_for_pairs);
HWY_EXPORT(encode_for_best);

bool use_dot_product(bool wanted) noexcept {
    dot_product = wanted && machine_has_dot_product();
    return dot_product;
}
bool uses_dot_product() noexcept {
    return dot_product;
}

void encode_rows(const float* values, std::size_t stride, std::size_t rows, std::size_t inputs, CodedRows& coded,
                 float* rest) {
    if (dot_product) {
        HWY_DYNAMIC_DISPATCH(encode_for_best)(values, stride, rows, inputs, coded, rest);
    } else {
        HWY_DYNAMIC_DISPATCH(encode_for_pairs)(values, stride, rows, inputs, coded, rest);
    }
}

}  // namespace stele::kernels
#endif
