// The numbers, dates and amounts in a question.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cache/guards/guard_text.hpp"

namespace stele {

struct Quantity {
    std::string kind;       ///< of a unit, "#" for ordinals, "date", "time", "weekday"; empty: a mere number
    std::string value;      ///< the same text for the same amount of one kind
    std::string other;      ///< another reading; may be empty
    bool optional = false;  ///< it may mean no number: "one of them"
    std::string shown;      ///< as it was written
};

/// In the order of the text.
std::vector<Quantity> quantities(const GuardText& text);

/// Of the first those that the second has no counterpart for, the optional ones left out; the other way round, too. All
/// in the order of their text. Beyond some hundreds only the same order counts as the same.
struct QuantityDifference {
    std::vector<Quantity> only_first, only_second;
    bool empty() const noexcept { return only_first.empty() && only_second.empty(); }
};
QuantityDifference difference(std::vector<Quantity> first, std::vector<Quantity> second);

}  // namespace stele
