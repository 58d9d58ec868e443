// Text as Stele keys it: what PostgreSQL can store, and when two questions are written alike.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace stele {

/// Why a text cannot be stored in PostgreSQL, and the offset in bytes of the first fault.
struct TextFault {
    enum class Kind : std::uint8_t { invalid_utf8, nul };
    Kind kind;
    std::size_t offset;

    friend bool operator==(const TextFault&, const TextFault&) = default;
};

/// "is not UTF-8 at byte 7"
std::string to_string(const TextFault& fault);

bool valid_utf8(std::string_view text) noexcept;
std::optional<TextFault> find_text_fault(std::string_view text) noexcept;
/// Throws Error(invalid_argument) if `text`, called `what` in the message, has a fault.
void check_text(std::string_view what, std::string_view text);

/// Letters and digits of any script, numerals included.
bool is_alphanumeric(std::int32_t code_point) noexcept;

// Exactly as mneme does, so that its Python processes compute the same keys: no NFC or NFKC, no change of accents or
// punctuation. All of them throw Error(invalid_argument) for text that is not UTF-8.

/// Holds a character of what Python calls white space, which mneme and draive cut texts at. `text` must be UTF-8.
bool has_blank(std::string_view text) noexcept;

/// Full Unicode case folding (status C and F of Unicode 14.0).
std::string fold_case(std::string_view text);
/// Strips blanks at both ends and replaces each run of blanks inside by one space.
std::string collapse_blanks(std::string_view text);
/// Both: the key of a question.
std::string normalize_query(std::string_view text);

}  // namespace stele
