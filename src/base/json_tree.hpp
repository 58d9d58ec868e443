// A parsed JSON document that keeps numbers as they were written, so that none loses digits on its way through.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace stele {

/// Deeper nesting is refused: readers recurse, and PostgreSQL has a limit too.
inline constexpr std::size_t kMaxJsonDepth = 512;

struct JsonNode {
    enum class Kind : std::uint8_t { null, boolean, number, string, array, object };

    Kind kind = Kind::null;
    bool flag = false;              ///< of a boolean
    std::string text;               ///< a string's value, or a number as it was written
    std::vector<JsonNode> items;    ///< of an array or object
    std::vector<std::string> keys;  ///< of an object, one an item

    /// The value of a key (the last, like PostgreSQL's jsonb, when it comes twice), or null.
    const JsonNode* find(std::string_view key) const noexcept;
    /// As JSON text, without blanks.
    std::string to_text() const;
    /// A line for each value, indented by two blanks a level.
    std::string to_indented_text() const;
};

/// As PostgreSQL's jsonb compares: whatever the order of keys, the last of equal keys, 1.0 is 1.
bool same_value(const JsonNode& a, const JsonNode& b);

/// Whether both are the same number, to the last digit; both as they were written.
bool same_number(std::string_view a, std::string_view b);
/// Below, at or above 0 as the first number is less than, equal to or greater than the second, both as they were
/// written, to the last digit.
int compare_numbers(std::string_view a, std::string_view b);

std::string_view to_string(JsonNode::Kind kind) noexcept;

/// Both throw Error(invalid_argument) with the byte of the first fault.
void check_json(std::string_view text);
JsonNode parse_json(std::string_view text);

}  // namespace stele
