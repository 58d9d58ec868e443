// Text as people read it on a terminal: safe, of a known width, with units.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace stele::cli {

bool is_utf8(std::string_view text) noexcept;

/// `text` on one line, without control characters (a terminal would obey them) and broken UTF-8.
std::string one_line(std::string_view text);
/// The same, but line breaks and tabs stay.
std::string printable(std::string_view text);
/// Columns that printable `text` takes on a terminal.
std::size_t display_width(std::string_view text);
/// At most `width` columns of printable `text`, the last an ellipsis when something was cut.
std::string shortened(std::string_view text, std::size_t width);

/// Without spaces, tabs and ends of lines before and behind.
std::string_view trimmed(std::string_view text);
/// "a, b, c" with ", " between.
std::string joined(const std::vector<std::string>& parts, std::string_view separator);
/// "a, b and c" with " and " before the last.
std::string joined(const std::vector<std::string>& parts, std::string_view separator, std::string_view last_separator);

/// "12 bytes", "1.5 kB", "3.2 MB": powers of 1000.
std::string bytes_text(std::uint64_t bytes);
/// "45 s", "3 min", "5 h", "12 days", rounded down.
std::string duration_text(std::int64_t seconds);
/// "1 entry", "2 entries".
std::string count_text(std::int64_t count, std::string_view one, std::string_view many);
/// "just now", "3 min ago".
std::string age_text(std::int64_t seconds);

}  // namespace stele::cli
