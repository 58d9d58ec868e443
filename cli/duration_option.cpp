#include "duration_option.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>

#include "exit_code.hpp"

namespace stele::cli {
namespace {

/// Seconds of a unit; 0: there is no such unit.
std::int64_t seconds_of(std::string_view unit) {
    if (unit == "s") return 1;
    if (unit == "m") return 60;
    if (unit == "h") return 3600;
    if (unit == "d") return 86'400;
    return 0;
}

}  // namespace

std::chrono::seconds parse_duration(std::string_view option, std::string_view text) {
    constexpr std::int64_t kLongest = 100LL * 366 * 86'400;
    std::int64_t number = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::int64_t unit = seconds_of({end, static_cast<std::size_t>(text.data() + text.size() - end)});
    if (failure != std::errc() || unit == 0 || number < 1 || number > kLongest / unit) {
        refuse(fmt::format("{} takes a number and its unit, such as 90s, 15m, 12h or 7d, not '{}'", option, text));
    }
    return std::chrono::seconds(number * unit);
}

}  // namespace stele::cli
