// Codes of float32 rows, by which a search knows most of them to be too far off to be read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "vectors/aligned.hpp"
#include "vectors/row_format.hpp"

namespace stele {

/// A question as copies are compared with it. Immutable, hence thread-safe.
class CopyQuery {
public:
    /// `rows`: as of RowCopies.
    CopyQuery(const RowFormat& rows, std::span<const float> unit);
    /// False: it is not finite, or so long that numbers would overflow. No score is known then.
    bool usable() const noexcept { return usable_; }

private:
    friend class RowCopies;

    AlignedVector<std::int8_t> codes_;
    float scale_ = 0;
    float per_rest_ = 0, per_length_ = 0;  // what is not known of a score, by what is known of a row
    bool usable_ = false;
};

/// Copies of rows as VectorFormat::int8 has them, and for each a bound of how far off a score by them is: a row that
/// is too bad even so need not be read, and nothing is missed. Immutable, hence thread-safe.
///
/// Where the row x is x8 + r, of which x8 is what its codes say, and so is the question q = q8 + s, their product is
/// x8.q8 + r.q + x8.s, and by Cauchy and Schwarz no more than |r| |q| + |x8| |s| is not known of it. The sums of codes
/// are exact. The score by float32 rows is itself off the product by no more than c |x| |q|, in whatever order it is
/// summed up, where c is n u / (1 - n u) for n elements and u = 2^-24 (Higham, Accuracy and Stability of Numerical
/// Algorithms, 3.1); this, and what the few other roundings add, is in the bound, too.
class RowCopies {
public:
    /// Copies of such rows pay: they are float32, and neither short nor so long that sums of codes overflow.
    static bool worth_while(const RowFormat& rows) noexcept;
    /// Of so many rows.
    static std::size_t bytes_of(const RowFormat& rows, std::size_t count) noexcept;

    /// `count` rows that lie one after the other. Precondition: worth_while().
    RowCopies(const RowFormat& rows, const std::byte* vectors, std::size_t count);

    std::size_t rows() const noexcept { return scales_.size(); }
    std::size_t bytes() const noexcept;
    /// Between what the scores of as many rows are, which RowQuery::score would say of the rows themselves. Of a row
    /// that is not finite, or very long, nothing is known: from minus infinity to infinity. Precondition: usable().
    void bounds(const CopyQuery& query, std::size_t first, std::span<float> lowest,
                std::span<float> highest) const noexcept;

private:
    const std::size_t stride_;
    AlignedVector<std::int8_t> codes_;
    std::vector<float> scales_;
    std::vector<float> lengths_, rests_;  // of x8 and of r, at most
};

}  // namespace stele
