#include "cache/guards/decimal.hpp"

#include <fmt/format.h>

#include <limits>

namespace stele {
namespace {

constexpr std::uint64_t kTen = 10;

}  // namespace

std::optional<Decimal> Decimal::read(std::string_view text) {
    Decimal number;
    bool fraction = false;
    for (const char c : text) {
        if (c == '.') {
            fraction = true;
            continue;
        }
        const auto longer = number.times(kTen);
        if (!longer) return std::nullopt;
        number.digits = longer->digits + static_cast<std::uint64_t>(c - '0');
        if (fraction) --number.exponent;
    }
    return number;
}

std::optional<Decimal> Decimal::times(std::uint64_t factor, int shift) const {
    // less by ten than what fits, so that one more digit can be added
    constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max() - kTen;
    if (factor != 0 && digits > kMost / factor) return std::nullopt;
    return Decimal{digits * factor, exponent + shift};
}

std::string Decimal::text() const {
    Decimal shortest = *this;
    if (digits == 0) return "0";
    for (; shortest.digits % kTen == 0; shortest.digits /= kTen) ++shortest.exponent;
    constexpr int kMostZeros = 30;
    if (shortest.exponent < 0 || shortest.exponent > kMostZeros) {
        return fmt::format("{}e{}", shortest.digits, shortest.exponent);
    }
    return fmt::format("{}", shortest.digits).append(static_cast<std::size_t>(shortest.exponent), '0');
}

}  // namespace stele
