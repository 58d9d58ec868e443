// A length of time on the command line.
#pragma once

#include <chrono>
#include <string_view>

namespace stele::cli {

/// "90s", "15m", "12h", "7d". Throws Error(invalid_argument) naming `option` for anything else, a number without a
/// unit too (it would mean seconds to one and days to another), and for less than
/// a second or more than 100 years.
std::chrono::seconds parse_duration(std::string_view option, std::string_view text);

}  // namespace stele::cli
