// Names of months and days of the week, in English, German and French.
#pragma once

#include <string_view>

namespace stele {

struct MonthName {
    int month = 0;             ///< 1 to 12; 0: it is none
    bool other_words = false;  ///< the word means something else, too: "may", "march"
};
MonthName month_named(std::string_view folded) noexcept;

/// Monday is 1; 0: it is none.
int weekday_named(std::string_view folded) noexcept;

}  // namespace stele
