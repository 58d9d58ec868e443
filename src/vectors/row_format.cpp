#include "vectors/row_format.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/result.hpp"
#include "vectors/kernels.hpp"
#include "vectors/row_kernels.hpp"

namespace stele {
namespace {

constexpr std::size_t kAlignment = 64;
// Padded as rows of that format are; halves fill registers in pairs.
AlignedVector<float> padded(std::span<const float> unit) {
    constexpr std::size_t kMultiple = 32;
    AlignedVector<float> floats((unit.size() + kMultiple - 1) / kMultiple * kMultiple);
    for (std::size_t i = 0; i < floats.size(); ++i) floats[i] = i < unit.size() ? unit[i] : 0.0F;
    return floats;
}

}  // namespace

RowFormat::RowFormat(VectorFormat format, std::size_t dimension) : format_(format), dimension_(dimension) {
    if (dimension == 0) raise(ErrorCode::invalid_argument, "a vector index needs a dimension of at least 1");
    stride_ = (vector_bytes(format, 1, dimension) + kAlignment - 1) / kAlignment * kAlignment;
}

float RowFormat::encode(std::span<const float> unit, std::byte* row, float* left) const {
    switch (format_) {
        case VectorFormat::float32:
            std::memcpy(row, unit.data(), unit.size_bytes());
            std::memset(row + unit.size_bytes(), 0, stride_ - unit.size_bytes());
            return 1;
        case VectorFormat::float16: kernels::to_halves(padded(unit), reinterpret_cast<kernels::Half*>(row)); return 1;
        case VectorFormat::int8: break;
    }
    std::memset(row + unit.size(), 0, stride_ - unit.size());
    return kernels::to_codes(unit, reinterpret_cast<std::int8_t*>(row), left);
}

float RowFormat::dot(const std::byte* a, const std::byte* b) const noexcept {
    float score = 0;
    const std::span scores(&score, 1);
    switch (format_) {
        case VectorFormat::float32:
            kernels::dot_rows(reinterpret_cast<const float*>(a),
                              {reinterpret_cast<const float*>(b), stride_ / sizeof(float)}, scores);
            return score;
        case VectorFormat::float16:
            return kernels::dot_halves({reinterpret_cast<const kernels::Half*>(a), stride_ / sizeof(kernels::Half)},
                                       {reinterpret_cast<const kernels::Half*>(b), stride_ / sizeof(kernels::Half)});
        case VectorFormat::int8: break;
    }
    kernels::dot_rows(reinterpret_cast<const std::int8_t*>(a), {reinterpret_cast<const std::int8_t*>(b), stride_},
                      scores);
    return score;
}

RowQuery::RowQuery(const RowFormat& format, std::span<const float> unit) : format_(format.format()) {
    if (format.scaled()) {
        codes_.resize(format.stride());
        std::fill(codes_.begin(), codes_.end(), std::int8_t{0});
        scale_ = kernels::to_codes(unit, codes_.data());
        // as with floats, one that is not finite is like nothing
        if (!kernels::all_finite(unit)) scale_ = std::numeric_limits<float>::quiet_NaN();
    } else {
        floats_ = padded(unit);
        if (format_ == VectorFormat::float32) floats_.resize(format.stride() / sizeof(float));
    }
}

void RowQuery::score(const std::byte* rows, const float* scales, std::span<float> scores) const noexcept {
    switch (format_) {
        case VectorFormat::float32: kernels::dot_rows(reinterpret_cast<const float*>(rows), floats_, scores); return;
        case VectorFormat::float16:
            kernels::dot_rows(reinterpret_cast<const kernels::Half*>(rows), floats_, scores);
            return;
        case VectorFormat::int8: break;
    }
    kernels::dot_rows(reinterpret_cast<const std::int8_t*>(rows), codes_, scores);
    for (std::size_t i = 0; i < scores.size(); ++i) scores[i] *= scales[i] * scale_;
}

float RowQuery::margin(float largest_scale) const noexcept {
    constexpr float kStep = 0x1p-10F, kDeviations = 6;
    switch (format_) {
        case VectorFormat::float32: return 0;
        case VectorFormat::float16: return kStep;
        case VectorFormat::int8: break;
    }
    return kDeviations * std::sqrt((largest_scale * largest_scale + scale_ * scale_) / 12);
}

}  // namespace stele
