#include "vectors/row_copies.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "vectors/kernels.hpp"
#include "vectors/row_kernels.hpp"

namespace stele {
namespace {

constexpr std::size_t kFewestElements = 128;   // with 64 a search of 16,384 rows gains nothing, with 128 a third
constexpr std::size_t kMostElements = 65'536;  // whose codes' products add up to less than 2^31
constexpr float kLongest = 0x1p40F;            // scales multiply without overflow
constexpr float kUnderflow = 0x1p-60F;         // far more than is lost where numbers have no exponent any more
constexpr float kRounding = 0x1p-24F;          // of one operation, as a part of what comes out

RowFormat codes_of(const RowFormat& rows) {
    return {VectorFormat::int8, rows.dimension()};
}

// Of a sum of so many products, as a part of the sum of their absolute values.
float rounding_of(std::size_t elements) {
    constexpr std::size_t kLanes = 64;  // sums that are added up in the end, and room for a few steps more
    return 1.01F * static_cast<float>(elements + kLanes) * kRounding;
}

AlignedVector<float> zeros(std::size_t count) {
    AlignedVector<float> floats(count);
    std::fill(floats.begin(), floats.end(), 0.0F);
    return floats;
}

// At most.
float length_of(std::span<const float> padded) {
    float squares = 0;
    kernels::dot_rows(padded.data(), padded, {&squares, 1});
    return std::sqrt(squares) * (1 + rounding_of(padded.size())) + kUnderflow;
}

struct Coded {
    float scale, length, rest;
};

// `left`: room for as many floats, aligned to 64 bytes, and zero where padded is beyond the dimension.
Coded encode(const RowFormat& format, std::span<const float> padded, std::int8_t* codes, float* left) {
    auto* const row = reinterpret_cast<std::byte*>(codes);
    const float scale = format.encode(padded.first(format.dimension()), row, left);
    const float length = scale * std::sqrt(format.dot(row, row)) * (1 + 8 * kRounding);
    const float rest = length_of({left, padded.size()}) + 4 * kRounding * length;
    if (length <= kLongest && rest <= kLongest) return {scale, length, rest};
    return {0, 0, std::numeric_limits<float>::infinity()};
}

}  // namespace

CopyQuery::CopyQuery(const RowFormat& rows, std::span<const float> unit) {
    const RowFormat format = codes_of(rows);
    AlignedVector<float> padded = zeros(rows.stride() / sizeof(float)), left = padded;
    std::copy(unit.begin(), unit.end(), padded.begin());
    codes_.resize(format.stride());
    const Coded coded = encode(format, padded, codes_.data(), left.data());
    const float length = length_of(padded);
    usable_ = length <= kLongest && coded.rest <= kLongest;
    scale_ = coded.scale;
    // the score's own rounding is a part of |x| |q|, and |x| at most the sum of what is known of the row
    constexpr float kOfBounds = 1 + 32 * kRounding;
    const float rounding = rounding_of(padded.size());
    per_rest_ = length * (1 + rounding) * kOfBounds;
    per_length_ = (coded.rest + (rounding + 16 * kRounding) * (length + coded.rest)) * kOfBounds;
}

bool RowCopies::worth_while(const RowFormat& rows) noexcept {
    return rows.format() == VectorFormat::float32 && rows.dimension() >= kFewestElements &&
           rows.dimension() <= kMostElements;
}

std::size_t RowCopies::bytes_of(const RowFormat& rows, std::size_t count) noexcept {
    return count * (codes_of(rows).stride() + 3 * sizeof(float));
}

RowCopies::RowCopies(const RowFormat& rows, const std::byte* vectors, std::size_t count)
    : stride_(codes_of(rows).stride()), codes_(count * stride_), scales_(count), lengths_(count), rests_(count) {
    const RowFormat format = codes_of(rows);
    AlignedVector<float> left = zeros(rows.stride() / sizeof(float));
    for (std::size_t i = 0; i < count; ++i) {
        const auto* const row = reinterpret_cast<const float*>(vectors + i * rows.stride());
        const Coded coded = encode(format, {row, left.size()}, codes_.data() + i * stride_, left.data());
        scales_[i] = coded.scale;
        lengths_[i] = coded.length;
        rests_[i] = coded.rest;
    }
}

std::size_t RowCopies::bytes() const noexcept {
    return codes_.size() + (scales_.size() + lengths_.size() + rests_.size()) * sizeof(float);
}

void RowCopies::bounds(const CopyQuery& query, std::size_t first, std::span<float> lowest,
                       std::span<float> highest) const noexcept {
    kernels::dot_rows(codes_.data() + first * stride_, query.codes_, lowest);
    for (std::size_t i = 0; i < lowest.size(); ++i) {
        const std::size_t row = first + i;
        const float score = lowest[i] * (scales_[row] * query.scale_);
        const float off = rests_[row] * query.per_rest_ + lengths_[row] * query.per_length_ + kUnderflow;
        lowest[i] = score - off;
        highest[i] = score + off;
    }
}

}  // namespace stele
