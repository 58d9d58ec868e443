#include <algorithm>
#include <charconv>
#include <map>

#include "base/json_tree.hpp"

namespace stele {
namespace {

/// Digits without zeros at either end, and the power of ten of the last one: each number has one form.
struct Decimal {
    bool negative = false;
    std::string digits;
    std::int64_t exponent = 0;
    std::string_view beyond;  ///< the exponent as written, if it is out of all proportion

    friend bool operator==(const Decimal&, const Decimal&) = default;
};

Decimal parse_decimal(std::string_view text) {
    Decimal number;
    number.negative = text.starts_with('-');
    if (number.negative) text.remove_prefix(1);
    const auto e = text.find_first_of("eE");
    if (e != std::string_view::npos) {
        std::string_view power = text.substr(e + 1);
        if (power.starts_with('+')) power.remove_prefix(1);
        constexpr std::int64_t kLargest = std::int64_t{1} << 60U;  // far from overflow below
        const auto read = std::from_chars(power.data(), power.data() + power.size(), number.exponent);
        if (read.ec != std::errc{} || number.exponent > kLargest || number.exponent < -kLargest) {
            // Only a number that no double tells from zero is written with such an exponent, or zero itself.
            number.exponent = -kLargest;
            number.beyond = power;
        }
        text = text.substr(0, e);
    }
    bool in_fraction = false;
    for (const char c : text) {
        if (c == '.') {
            in_fraction = true;
            continue;
        }
        if (in_fraction) --number.exponent;
        if (c != '0' || !number.digits.empty()) number.digits += c;
    }
    while (number.digits.ends_with('0')) {
        number.digits.pop_back();
        ++number.exponent;
    }
    return number.digits.empty() ? Decimal{} : number;
}

int compare_magnitudes(const Decimal& a, const Decimal& b) {
    // the power of ten above the first digit decides; then the digits, one by one, as if zeros followed
    const auto top = [](const Decimal& n) { return static_cast<std::int64_t>(n.digits.size()) + n.exponent; };
    if (a.digits.empty() || b.digits.empty())
        return static_cast<int>(b.digits.empty()) - static_cast<int>(a.digits.empty());
    if (top(a) != top(b)) return top(a) < top(b) ? -1 : 1;
    return a.digits.compare(b.digits);
}

bool same_members(const JsonNode& a, const JsonNode& b) {
    std::map<std::string_view, const JsonNode*> members;
    for (std::size_t i = 0; i < a.items.size(); ++i) members[a.keys[i]] = &a.items[i];
    std::map<std::string_view, const JsonNode*> others;
    for (std::size_t i = 0; i < b.items.size(); ++i) others[b.keys[i]] = &b.items[i];
    return std::equal(members.begin(), members.end(), others.begin(), others.end(),
                      [](const auto& one, const auto& other) {
                          return one.first == other.first && same_value(*one.second, *other.second);
                      });
}

}  // namespace

bool same_number(std::string_view a, std::string_view b) {
    return a == b || parse_decimal(a) == parse_decimal(b);
}

int compare_numbers(std::string_view a, std::string_view b) {
    const Decimal one = parse_decimal(a);
    const Decimal other = parse_decimal(b);
    if (one.negative != other.negative) return one.negative ? -1 : 1;
    const int magnitudes = compare_magnitudes(one, other);
    return one.negative ? -magnitudes : magnitudes;
}

bool same_value(const JsonNode& a, const JsonNode& b) {
    if (a.kind != b.kind) return false;
    switch (a.kind) {
        case JsonNode::Kind::null: return true;
        case JsonNode::Kind::boolean: return a.flag == b.flag;
        case JsonNode::Kind::number: return same_number(a.text, b.text);
        case JsonNode::Kind::string: return a.text == b.text;
        case JsonNode::Kind::array:
            return std::equal(a.items.begin(), a.items.end(), b.items.begin(), b.items.end(),
                              [](const JsonNode& one, const JsonNode& other) { return same_value(one, other); });
        case JsonNode::Kind::object: return same_members(a, b);
    }
    return false;
}

}  // namespace stele
