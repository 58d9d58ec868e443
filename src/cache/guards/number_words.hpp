// Numbers that are written as words.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "cache/guards/guard_text.hpp"

namespace stele {

struct SpelledNumber {
    std::uint64_t value = 0;
    std::size_t words = 0;  ///< so many make it up
    bool ordinal = false;   ///< "third"
    bool optional = false;  ///< it may mean no number at all: "one of them", "first of all", "twice"
};

/// At the beginning of the words. English up to millions, German up to 99 and the round ones, French up to 16 and the
/// tens.
std::optional<SpelledNumber> read_spelled_number(std::span<const Word> words);

}  // namespace stele
