// Exact decimal numbers, as far as 64 bits go.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace stele {

/// digits x 10^exponent.
struct Decimal {
    std::uint64_t digits = 0;
    int exponent = 0;

    /// Of digits with at most one point; nothing if it does not fit.
    static std::optional<Decimal> read(std::string_view text);
    /// Nothing if it does not fit.
    std::optional<Decimal> times(std::uint64_t factor, int shift = 0) const;
    /// Equal for equal numbers; of a whole one its digits.
    std::string text() const;
};

}  // namespace stele
