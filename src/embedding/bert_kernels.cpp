#include "embedding/bert_kernels.hpp"

#include <cmath>

#include "vectors/targets.hpp"

// Highway includes this file again for every instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "embedding/bert_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// after these two
#include "vectors/tile-inl.hpp"
// clang-format off
#include <hwy/contrib/math/math-inl.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace stele::kernels::HWY_NAMESPACE {

/// Sixteen sums side by side, whatever the registers hold, put together in one order.
struct Sums {
    FloatVector lanes[kVectorsPerTile];

    HWY_INLINE Sums() {
        for (auto& lane : lanes) lane = hn::Zero(Floats());
    }
    HWY_INLINE float total() const {
        HWY_ALIGN float all[kTile];
        for (std::size_t v = 0; v < kVectorsPerTile; ++v) hn::Store(lanes[v], Floats(), all + v * kLanes);
        for (std::size_t half = kTile / 2; half > 0; half /= 2) {
            for (std::size_t i = 0; i < half; ++i) all[i] += all[i + half];
        }
        return all[0];
    }
};

void add_and_normalize_rows(float* values, const float* residual, std::size_t rows, std::size_t width,
                            const float* gain, const float* bias, float epsilon) {
    const Floats d;
    const float share = 1.0F / static_cast<float>(width);
    for (std::size_t row = 0; row < rows; ++row, values += width) {
        Sums sum;
        for (std::size_t k = 0; k < width; k += kTile) {
            for (std::size_t v = 0; v < kVectorsPerTile; ++v) {
                float* at = values + k + v * kLanes;
                auto value = hn::Load(d, at);
                if (residual != nullptr) {
                    value = hn::Add(value, hn::Load(d, residual + row * width + k + v * kLanes));
                    hn::Store(value, d, at);
                }
                sum.lanes[v] = hn::Add(sum.lanes[v], value);
            }
        }
        const auto mean = hn::Set(d, sum.total() * share);
        Sums squares;
        for (std::size_t k = 0; k < width; k += kTile) {
            for (std::size_t v = 0; v < kVectorsPerTile; ++v) {
                const auto deviation = hn::Sub(hn::Load(d, values + k + v * kLanes), mean);
                squares.lanes[v] = hn::MulAdd(deviation, deviation, squares.lanes[v]);
            }
        }
        const auto inverse = hn::Set(d, 1.0F / std::sqrt(squares.total() * share + epsilon));
        for (std::size_t k = 0; k < width; k += kLanes) {
            const auto normal = hn::Mul(hn::Sub(hn::Load(d, values + k), mean), inverse);
            hn::Store(hn::MulAdd(normal, hn::Load(d, gain + k), hn::Load(d, bias + k)), d, values + k);
        }
    }
}

void gelu_all(float* values, std::size_t count) {
    const Floats d;
    const auto one = hn::Set(d, 1.0F);
    const auto half = hn::Set(d, 0.5F);
    for (std::size_t k = 0; k < count; k += kLanes) {
        const auto x = hn::Load(d, values + k);
        const auto z = hn::Mul(hn::Abs(x), hn::Set(d, 0.70710678118654752F));
        const auto t = hn::Div(one, hn::MulAdd(z, hn::Set(d, 0.3275911F), one));
        auto poly = hn::MulAdd(t, hn::Set(d, 1.061405429F), hn::Set(d, -1.453152027F));
        poly = hn::MulAdd(t, poly, hn::Set(d, 1.421413741F));
        poly = hn::MulAdd(t, poly, hn::Set(d, -0.284496736F));
        poly = hn::MulAdd(t, poly, hn::Set(d, 0.254829592F));
        const auto tail = hn::Mul(hn::Mul(poly, t), hn::Exp(d, hn::Neg(hn::Mul(z, z))));  // 1 - erf(z)
        // For negative x the result is x * tail / 2; as 1 + erf it would lose its digits to cancellation.
        const auto factor = hn::IfThenElse(hn::Lt(x, hn::Zero(d)), tail, hn::Sub(hn::Set(d, 2.0F), tail));
        hn::Store(hn::Mul(hn::Mul(x, half), factor), d, values + k);
    }
}

void softmax_rows(float* values, std::size_t stride, std::size_t rows, std::size_t count, float scale) {
    const Floats d;
    const std::size_t padded = whole_tiles(count);
    for (std::size_t row = 0; row < rows; ++row, values += stride) {
        for (std::size_t k = count; k < padded; ++k) values[k] = values[0];  // changes no maximum
        auto largest = hn::Load(d, values);
        for (std::size_t k = kLanes; k < padded; k += kLanes) largest = hn::Max(largest, hn::Load(d, values + k));
        const auto top = hn::MaxOfLanes(d, largest);
        const auto scales = hn::Set(d, scale);
        for (std::size_t k = 0; k < padded; k += kLanes) {
            hn::Store(hn::Exp(d, hn::Mul(hn::Sub(hn::Load(d, values + k), top), scales)), d, values + k);
        }
        for (std::size_t k = count; k < padded; ++k) values[k] = 0;
        Sums sum;
        for (std::size_t k = 0; k < padded; k += kTile) {
            for (std::size_t v = 0; v < kVectorsPerTile; ++v) {
                sum.lanes[v] = hn::Add(sum.lanes[v], hn::Load(d, values + k + v * kLanes));
            }
        }
        const auto inverse = hn::Set(d, 1.0F / sum.total());
        for (std::size_t k = 0; k < padded; k += kLanes) {
            hn::Store(hn::Mul(hn::Load(d, values + k), inverse), d, values + k);
        }
    }
}

}  // namespace stele::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace stele::kernels {

HWY_EXPORT(add_and_normalize_rows);
HWY_EXPORT(gelu_all);
HWY_EXPORT(softmax_rows);

void add_and_normalize(float* values, const float* residual, std::size_t rows, std::size_t width, const float* gain,
                       const float* bias, float epsilon) {
    HWY_DYNAMIC_DISPATCH(add_and_normalize_rows)(values, residual, rows, width, gain, bias, epsilon);
}

void gelu(float* values, std::size_t count) {
    HWY_DYNAMIC_DISPATCH(gelu_all)(values, count);
}

void softmax(float* values, std::size_t stride, std::size_t rows, std::size_t count, float scale) {
    HWY_DYNAMIC_DISPATCH(softmax_rows)(values, stride, rows, count, scale);
}

}  // namespace stele::kernels
#endif
