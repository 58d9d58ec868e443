#include "cache/guards/figures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include "cache/guards/guard_text.hpp"

namespace stele {
namespace {

/// Reads from the left; a failed read leaves it as it is.
class Cursor {
public:
    explicit Cursor(std::string_view text) : text_(text) {}
    std::size_t at() const noexcept { return at_; }
    bool eat(char c) noexcept {
        if (at_ >= text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }
    std::string_view digits(std::size_t least, std::size_t most) noexcept {
        std::size_t end = at_;
        while (end < text_.size() && is_digit(text_[end])) ++end;
        if (end - at_ < least || end - at_ > most) return {};
        const std::size_t begin = std::exchange(at_, end);
        return text_.substr(begin, end - begin);
    }
    bool digit_follows(std::size_t further = 0) const noexcept {
        return at_ + further < text_.size() && is_digit(text_[at_ + further]);
    }
    char next() const noexcept { return at_ < text_.size() ? text_[at_] : '\0'; }

private:
    std::string_view text_;
    std::size_t at_ = 0;
};

int number(std::string_view digits) noexcept {
    int value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return value;
}

std::string iso(int year, int month, int day) {
    return fmt::format("{:04}-{:02}-{:02}", year, month, day);
}

bool is_day(int day) noexcept {
    return day >= 1 && day <= 31;
}
bool is_month(int month) noexcept {
    return month >= 1 && month <= 12;
}

std::optional<Figures> year_first(std::string_view text) {
    for (const char between : {'-', '/', '.'}) {
        Cursor cursor(text);
        const auto year = cursor.digits(4, 4);
        if (year.empty() || !cursor.eat(between)) continue;
        const auto month = cursor.digits(1, 2);
        if (month.empty() || !cursor.eat(between)) continue;
        const auto day = cursor.digits(1, 2);
        if (day.empty() || !is_month(number(month)) || !is_day(number(day))) continue;
        return Figures{Figures::Kind::date, iso(number(year), number(month), number(day)), {}, cursor.at()};
    }
    return std::nullopt;
}

// Before dots stands the day; before slashes the day or the month, whoever writes.
std::optional<Figures> year_last(std::string_view text) {
    for (const char between : {'.', '/', '-'}) {
        Cursor cursor(text);
        const auto first = cursor.digits(1, 2);
        if (first.empty() || !cursor.eat(between)) continue;
        const auto second = cursor.digits(1, 2);
        if (second.empty() || !cursor.eat(between)) continue;
        const auto year = cursor.digits(4, 4);
        if (year.empty()) continue;
        const int a = number(first), b = number(second), y = number(year);
        std::vector<std::string> readings;
        if (is_day(a) && is_month(b)) readings.push_back(iso(y, b, a));
        if (between != '.' && is_month(a) && is_day(b)) readings.push_back(iso(y, a, b));
        if (readings.empty()) continue;
        return Figures{Figures::Kind::date, readings.front(), readings.size() > 1 ? readings[1] : std::string(),
                       cursor.at()};
    }
    return std::nullopt;
}

std::optional<Figures> time_of_day(std::string_view text) {
    Cursor cursor(text);
    const auto hours = cursor.digits(1, 2);
    if (hours.empty() || !cursor.eat(':')) return std::nullopt;
    const auto minutes = cursor.digits(2, 2);
    constexpr int kHours = 24, kMinutes = 60;
    if (minutes.empty() || number(hours) > kHours || number(minutes) >= kMinutes) return std::nullopt;
    std::string value = fmt::format("{:02}:{}", number(hours), minutes);
    Cursor seconds = cursor;
    if (seconds.eat(':')) {
        if (const auto found = seconds.digits(2, 2); !found.empty()) {
            if (found != "00") value += fmt::format(":{}", found);
            cursor = seconds;
        }
    }
    return Figures{Figures::Kind::time, std::move(value), {}, cursor.at()};
}

std::optional<Figures> ratio(std::string_view text) {
    Cursor cursor(text);
    const auto above = cursor.digits(1, text.size());
    if (!cursor.eat('/')) return std::nullopt;
    const auto below = cursor.digits(1, text.size());
    if (below.empty() || cursor.next() == '/') return std::nullopt;
    return Figures{Figures::Kind::amount, fmt::format("{}/{}", above, below), {}, cursor.at()};
}

using Parts = std::vector<std::string_view>;

std::string joined(const Parts& parts, std::size_t count, char point = '\0') {
    std::string all;
    for (std::size_t i = 0; i < count; ++i) all += parts[i];
    if (count == parts.size()) return all;
    all += point;
    for (std::size_t i = count; i < parts.size(); ++i) all += parts[i];
    return all;
}

bool are_groups(const Parts& parts, std::size_t count) noexcept {
    constexpr std::size_t kGroup = 3;
    if (parts.front().size() > kGroup || parts.front() == "0") return false;
    return std::all_of(parts.begin() + 1, parts.begin() + static_cast<std::ptrdiff_t>(count),
                       [](std::string_view part) { return part.size() == kGroup; });
}

Figures amount(std::string_view text) {
    Cursor cursor(text);
    Parts parts = {cursor.digits(1, text.size())};
    std::string marks;
    const std::size_t after_first = cursor.at();
    while ((cursor.next() == '.' || cursor.next() == ',' || cursor.next() == '\'') && cursor.digit_follows(1)) {
        marks += cursor.next();
        cursor.eat(cursor.next());
        parts.push_back(cursor.digits(1, text.size()));
    }
    const auto result = [&](std::string value, std::string other = {}) {
        return Figures{Figures::Kind::amount, std::move(value), std::move(other), cursor.at()};
    };
    if (marks.empty()) return result(std::string(parts.front()));
    const std::size_t whole = parts.size() - 1;
    const bool one_kind = marks.find_first_not_of(marks.front()) == std::string::npos;
    if (one_kind && are_groups(parts, parts.size())) {
        // 1.500: in English a fraction, in German a thousand and a half
        if (marks == ".") return result(joined(parts, 1, '.'), joined(parts, 2));
        return result(joined(parts, parts.size()));
    }
    if (marks == "." || marks == ",") return result(joined(parts, 1, '.'));
    const bool grouped = marks.find_first_not_of(marks.front()) == marks.size() - 1 && are_groups(parts, whole);
    if (grouped && marks.back() != '\'') return result(joined(parts, whole, '.'));
    if (one_kind && marks.front() == '.') return result(std::string(text.substr(0, cursor.at())));  // a version
    return Figures{Figures::Kind::amount, std::string(parts.front()), {}, after_first};             // a list
}

}  // namespace

Figures read_figures(std::string_view text) {
    for (const auto& read : {year_first, year_last, time_of_day, ratio}) {
        // what goes on is something else
        if (auto found = read(text); found && (found->bytes == text.size() || !is_digit(text[found->bytes]))) {
            return *std::move(found);
        }
    }
    return amount(text);
}

}  // namespace stele
