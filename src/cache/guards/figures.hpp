// Numbers, dates and times that are written in digits.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace stele {

struct Figures {
    enum class Kind : unsigned char { amount, date, time };
    Kind kind = Kind::amount;
    /// An amount: digits with at most one point, or more in a version. A date: YYYY-MM-DD. A time: HH:MM.
    std::string value;
    std::string other;      ///< another reading, where people differ: 1.500, or 3/4/2024; may be empty
    std::size_t bytes = 0;  ///< read
};

/// `text` begins with a digit. 1,000 and 1'000 are a thousand, 1,5 is one and a half, 1.500 may be either.
Figures read_figures(std::string_view text);

}  // namespace stele
