// How a vector lies in a row, and how a question meets rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "stele/vector_format.hpp"
#include "vectors/aligned.hpp"

namespace stele {

/// Rows start at, and take, a multiple of 64 bytes, padded with zeros. Immutable, hence thread-safe.
class RowFormat {
public:
    /// Throws Error(invalid_argument) for dimension 0.
    RowFormat(VectorFormat format, std::size_t dimension);

    VectorFormat format() const noexcept { return format_; }
    std::size_t dimension() const noexcept { return dimension_; }
    std::size_t stride() const noexcept { return stride_; }  ///< bytes from row to row
    bool scaled() const noexcept { return format_ == VectorFormat::int8; }

    /// Writes the row. Returns the scale of its codes: element = scale * code; 1 unless scaled().
    /// `left`: what the codes leave of each element, unless it is null or the format is not scaled().
    float encode(std::span<const float> unit, std::byte* row, float* left = nullptr) const;
    /// Dot product of two rows, without their scales.
    float dot(const std::byte* a, const std::byte* b) const noexcept;

private:
    VectorFormat format_;
    std::size_t dimension_;
    std::size_t stride_;
};

/// A question, made ready to be compared with rows. Immutable, hence thread-safe.
class RowQuery {
public:
    RowQuery(const RowFormat& format, std::span<const float> unit);

    /// Dot products with as many rows as there are scores; `scales`: theirs, if the format is scaled.
    void score(const std::byte* rows, const float* scales, std::span<float> scores) const noexcept;

    /// By how much a score may be too low or too high, with rows of scales up to this one. Of int8 it is six times the
    /// standard deviation: the error of each element is anything up to half a code.
    float margin(float largest_scale) const noexcept;

private:
    VectorFormat format_;
    AlignedVector<float> floats_;
    AlignedVector<std::int8_t> codes_;
    float scale_ = 1;
};

}  // namespace stele
