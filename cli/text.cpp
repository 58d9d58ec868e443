#include "text.hpp"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <array>

namespace stele::cli {
namespace {

/// Calls visit(code point, its bytes); broken bytes come one by one as U+FFFD.
template <class Visit>
void for_each_character(std::string_view text, Visit visit) {
    const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
    for (std::size_t at = 0; at < text.size();) {
        utf8proc_int32_t point = 0;
        const utf8proc_ssize_t length =
            utf8proc_iterate(bytes + at, static_cast<utf8proc_ssize_t>(text.size() - at), &point);
        if (length > 0) {
            visit(point, text.substr(at, static_cast<std::size_t>(length)));
            at += static_cast<std::size_t>(length);
        } else {
            visit(0xFFFD, std::string_view("\xEF\xBF\xBD"));
            ++at;
        }
    }
}

bool is_control(utf8proc_int32_t point) {
    // with the marks that reorder a line: they could make it read as something else
    return point < 0x20 || (point >= 0x7F && point < 0xA0) || (point >= 0x202A && point <= 0x202E) ||
           (point >= 0x2066 && point <= 0x2069) || point == 0x2028 || point == 0x2029;
}

std::string cleaned(std::string_view text, bool keep_breaks) {
    std::string clean;
    clean.reserve(text.size());
    for_each_character(text, [&](utf8proc_int32_t point, std::string_view bytes) {
        const bool is_break = point == '\n' || point == '\t';
        if (is_break && !keep_breaks) {
            clean += ' ';
        } else if (is_control(point) && !is_break) {
            if (point != '\r') clean += "\xEF\xBF\xBD";
        } else {
            clean += bytes;
        }
    });
    return clean;
}

std::size_t columns_of(utf8proc_int32_t point) {
    const int width = utf8proc_charwidth(point);
    return width > 0 ? static_cast<std::size_t>(width) : 0;
}

}  // namespace

bool is_utf8(std::string_view text) noexcept {
    const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
    for (std::size_t at = 0; at < text.size();) {
        utf8proc_int32_t point = 0;
        const utf8proc_ssize_t length =
            utf8proc_iterate(bytes + at, static_cast<utf8proc_ssize_t>(text.size() - at), &point);
        if (length <= 0) return false;
        at += static_cast<std::size_t>(length);
    }
    return true;
}

std::string one_line(std::string_view text) {
    return cleaned(text, false);
}

std::string printable(std::string_view text) {
    return cleaned(text, true);
}

std::size_t display_width(std::string_view text) {
    std::size_t width = 0;
    for_each_character(text, [&](utf8proc_int32_t point, std::string_view) { width += columns_of(point); });
    return width;
}

std::string shortened(std::string_view text, std::size_t width) {
    if (display_width(text) <= width) return std::string(text);
    std::string cut;
    std::size_t used = 1;  // the ellipsis
    bool full = width == 0;
    for_each_character(text, [&](utf8proc_int32_t point, std::string_view bytes) {
        used += columns_of(point);
        full = full || used > width;
        if (!full) cut += bytes;
    });
    return width == 0 ? cut : cut + "\xE2\x80\xA6";
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kBlanks = " \t\r\n";
    text.remove_prefix(std::min(text.size(), text.find_first_not_of(kBlanks)));
    return text.substr(0, text.find_last_not_of(kBlanks) + 1);
}

std::string joined(const std::vector<std::string>& parts, std::string_view separator) {
    return joined(parts, separator, separator);
}

std::string joined(const std::vector<std::string>& parts, std::string_view separator, std::string_view last_separator) {
    std::string text;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (i > 0) text += i + 1 == parts.size() ? last_separator : separator;
        text += parts[i];
    }
    return text;
}

std::string bytes_text(std::uint64_t bytes) {
    constexpr std::array<std::string_view, 5> kUnits = {"kB", "MB", "GB", "TB", "PB"};
    if (bytes < 1000) return count_text(static_cast<std::int64_t>(bytes), "byte", "bytes");
    double value = static_cast<double>(bytes) / 1000;
    std::size_t unit = 0;
    for (; value >= 999.95 && unit + 1 < kUnits.size(); ++unit) value /= 1000;
    return fmt::format("{:.1f} {}", value, kUnits.at(unit));
}

std::string duration_text(std::int64_t seconds) {
    constexpr std::int64_t kMinute = 60, kHour = 60 * kMinute, kDay = 24 * kHour;
    if (seconds < 2 * kMinute) return fmt::format("{} s", seconds);
    if (seconds < 2 * kHour) return fmt::format("{} min", seconds / kMinute);
    if (seconds < 2 * kDay) return fmt::format("{} h", seconds / kHour);
    return fmt::format("{} days", seconds / kDay);
}

std::string count_text(std::int64_t count, std::string_view one, std::string_view many) {
    return fmt::format("{} {}", count, count == 1 ? one : many);
}

std::string age_text(std::int64_t seconds) {
    return seconds <= 0 ? "just now" : duration_text(seconds) + " ago";
}

}  // namespace stele::cli
