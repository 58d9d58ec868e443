// JSON text that is known to be well formed. Stele keeps JSON as text: the database parses it, callers choose a
// library.
#pragma once

#include <string>
#include <string_view>

#include "stele/export.hpp"

namespace stele {
inline namespace v0 {

/// Checked JSON text (RFC 8259, UTF-8). A value type; thread-safe to read.
/// Equality is of the text; PostgreSQL's jsonb re-orders keys and normalises numbers, so compare values, not text,
/// after a round trip.
class STELE_API Json {
public:
    /// The JSON text `null`.
    Json() : text_("null") {}
    /// Checks `text`. Throws Error(invalid_argument) with the position of the first fault; U+0000 (which PostgreSQL
    /// cannot store), NaN and Infinity are faults too.
    static Json parse(std::string_view text);
    /// `text` must already be well formed, for example because PostgreSQL returned it.
    static Json trusted(std::string text) { return Json(std::move(text)); }
    /// A JSON string holding `value` (which must be UTF-8).
    static Json string(std::string_view value);
    static Json object() { return Json("{}"); }

    const std::string& text() const noexcept { return text_; }
    /// True when the text is an object, an array, null ...
    bool is_object() const noexcept { return first() == '{'; }
    bool is_array() const noexcept { return first() == '['; }
    bool is_null() const noexcept { return first() == 'n'; }

    friend bool operator==(const Json&, const Json&) = default;

private:
    explicit Json(std::string text) : text_(std::move(text)) {}
    char first() const noexcept {
        const auto at = text_.find_first_not_of(" \t\r\n");
        return at == std::string::npos ? '\0' : text_[at];
    }
    std::string text_;
};

/// Whether two texts are the same value, as PostgreSQL's jsonb compares: whatever the blanks and the order of keys, the
/// last of keys that come twice, 1.0 is 1. Throws Error(invalid_argument) when a trusted text is not JSON.
STELE_API bool same_value(const Json& a, const Json& b);

}  // namespace v0
}  // namespace stele
