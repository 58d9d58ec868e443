// What both kinds of memory refuse, and what they make of an answer.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <string_view>

#include "base/result.hpp"
#include "base/text.hpp"
#include "stele/rows.hpp"

namespace stele {

/// Between items that a twin stores in one call.
inline constexpr std::chrono::microseconds kClockStep(1);

/// 1 to 1,024 bytes, UTF-8 without U+0000: else Error(invalid_argument), in which it is called `what`.
inline void check_memory_name(std::string_view what, std::string_view name) {
    constexpr std::size_t kLongest = 1024;
    check_text(what, name);
    if (name.empty() || name.size() > kLongest) {
        raise(ErrorCode::invalid_argument,
              fmt::format("{} has {} bytes; it must have 1 to {}", what, name.size(), kLongest));
    }
}

/// A response of a tool that nothing asked for. `memory` with what it is: 'the memory "a"'.
[[noreturn]] inline void refuse_unasked(std::string_view memory, std::string_view response) {
    raise(ErrorCode::invalid_argument,
          fmt::format("{} has no request \"{}\" before this response of a tool; store the request first, in the same "
                      "call or in one before it. Nothing was stored",
                      memory, response));
}

}  // namespace stele
