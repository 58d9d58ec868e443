// What stands behind a number, or before it.
#pragma once

#include <cstdint>
#include <string_view>

namespace stele {

/// Units of one kind are multiples of each other: factor x 10^shift of the kind's own.
struct Unit {
    std::string_view name;  ///< in small letters
    std::string_view kind;
    std::uint64_t factor = 1;
    int shift = 0;
};

/// Null: it is none.
const Unit* find_unit(std::string_view folded) noexcept;

/// 1,000 for "k" and "thousand"; 0: it multiplies nothing.
std::uint64_t multiplier(std::string_view folded) noexcept;

/// The currency of a sign at the beginning of the text ("$5"), and how many bytes that takes; an empty name: none.
struct CurrencySign {
    std::string_view currency;
    std::size_t bytes = 0;
};
CurrencySign currency_sign(std::string_view text) noexcept;

}  // namespace stele
