#include "base/text.hpp"

#include <fmt/format.h>
#include <simdjson.h>
#include <utf8proc.h>

#include <array>
#include <cstring>

#include "base/result.hpp"

namespace stele {
namespace {

constexpr utf8proc_int32_t kTwoBytes = 0x800;  // code points below take no more

/// Takes the first code point off `rest`; negative when it is not UTF-8.
utf8proc_int32_t take_code_point(std::string_view& rest) noexcept {
    if (rest.size() >= 2) {
        const auto first = static_cast<unsigned char>(rest[0]), second = static_cast<unsigned char>(rest[1]);
        if (first >= 0xC2 && first < 0xE0 && (second & 0xC0U) == 0x80) {
            rest.remove_prefix(2);
            return static_cast<utf8proc_int32_t>((first & 0x1FU) << 6U | (second & 0x3FU));
        }
    }
    utf8proc_int32_t code_point = -1;
    const auto length = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(rest.data()),
                                         static_cast<utf8proc_ssize_t>(rest.size()), &code_point);
    if (length > 0) rest.remove_prefix(static_cast<std::size_t>(length));
    return code_point;
}

std::size_t first_invalid_byte(std::string_view text) noexcept {
    std::string_view rest = text;
    while (!rest.empty() && take_code_point(rest) >= 0) {
    }
    return text.size() - rest.size();
}

void append_code_point(std::string& out, utf8proc_int32_t code_point) {
    std::array<utf8proc_uint8_t, 4> bytes{};
    const auto length = utf8proc_encode_char(code_point, bytes.data());
    out.append(reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(length));
}

// mneme's set is what Python calls white space: U+001C-001F are in it although they lack the Unicode property.
constexpr bool is_blank(utf8proc_int32_t c) noexcept {
    if (c < 0x80) return c == ' ' || (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x1F);
    return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 ||
           c == 0x202F || c == 0x205F || c == 0x3000;
}

// A stored key must not depend on the age of the library that folds. Folding of a letter never changes once it exists,
// so the Unicode 14.0 table, which defines our keys, is any newer one without the letters that came after it.
// utf8proc 2.8 (Unicode 15.0) and 2.9 (15.1) fold none of them; these came with 16.0 and 17.0.
constexpr bool is_newer_than_unicode_14(utf8proc_int32_t c) noexcept {
    return c == 0x1C89 || (c >= 0xA7CB && c <= 0xA7CE) || c == 0xA7D2 || c == 0xA7D4 || (c >= 0xA7DA && c <= 0xA7DC) ||
           (c >= 0x10D50 && c <= 0x10D65) || (c >= 0x16EA0 && c <= 0x16EB8);
}

void look_up_folded(std::string& out, utf8proc_int32_t code_point) {
    constexpr std::size_t kLongestFolding = 3;
    std::array<utf8proc_int32_t, kLongestFolding> folded{};
    int boundary = 0;
    const auto count =
        is_newer_than_unicode_14(code_point)
            ? -1
            : utf8proc_decompose_char(code_point, folded.data(), static_cast<utf8proc_ssize_t>(folded.size()),
                                      UTF8PROC_CASEFOLD, &boundary);
    if (count < 0 || static_cast<std::size_t>(count) > folded.size()) return append_code_point(out, code_point);
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) append_code_point(out, folded[i]);
}

// Most letters that are not ASCII: looking one up takes several times as long as all else that is done with it.
void append_folded(std::string& out, utf8proc_int32_t code_point) {
    struct Folded {
        std::array<char, 7> bytes{};
        std::uint8_t length = 0;
    };
    static const std::array<Folded, kTwoBytes> known = [] {
        std::array<Folded, kTwoBytes> all;
        for (utf8proc_int32_t c = 0; c < kTwoBytes; ++c) {
            std::string text;
            look_up_folded(text, c);
            Folded& folded = all[static_cast<std::size_t>(c)];
            folded.length = static_cast<std::uint8_t>(text.copy(folded.bytes.data(), folded.bytes.size()));
        }
        return all;
    }();
    if (code_point >= kTwoBytes) return look_up_folded(out, code_point);
    const Folded& folded = known[static_cast<std::size_t>(code_point)];
    out.append(folded.bytes.data(), folded.length);
}

constexpr bool is_ascii(char c) noexcept {
    return static_cast<unsigned char>(c) < 0x80;
}

// Most keys are; setting the vectorised check to work costs more than reading them.
bool is_short_ascii(std::string_view text) noexcept {
    constexpr std::size_t kShort = 128;
    constexpr std::uint64_t kHighBits = 0x8080'8080'8080'8080;
    constexpr std::uint64_t kOnes = 0x0101'0101'0101'0101;
    if (text.size() > kShort) return false;
    std::uint64_t bad = 0;
    for (; text.size() >= sizeof bad; text.remove_prefix(sizeof bad)) {
        std::uint64_t word = 0;
        std::memcpy(&word, text.data(), sizeof word);
        bad |= (word | (word - kOnes)) & kHighBits;  // a byte above 0x7F or a zero; never overlooks one
    }
    for (const char c : text) bad |= static_cast<std::uint64_t>(static_cast<signed char>(c) <= 0);
    return bad == 0;
}

constexpr char fold_ascii(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

template <bool Fold, bool Collapse>
std::string transform(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    bool gap = false;
    for (std::string_view rest = text; !rest.empty();) {
        const bool ascii = is_ascii(rest.front());
        const auto code_point = ascii ? rest.front() : take_code_point(rest);
        if (ascii) rest.remove_prefix(1);
        if (code_point < 0) {
            const TextFault fault{TextFault::Kind::invalid_utf8, text.size() - rest.size()};
            raise(ErrorCode::invalid_argument, "the text " + to_string(fault));
        }
        if (Collapse && is_blank(code_point)) {
            gap = !out.empty();
            continue;
        }
        if (gap) out += ' ';
        gap = false;
        if (ascii) {
            out += Fold ? fold_ascii(static_cast<char>(code_point)) : static_cast<char>(code_point);
        } else if (Fold) {
            append_folded(out, code_point);
        } else {
            append_code_point(out, code_point);
        }
    }
    return out;
}

}  // namespace

bool valid_utf8(std::string_view text) noexcept {
    return simdjson::validate_utf8(text.data(), text.size());
}

std::optional<TextFault> find_text_fault(std::string_view text) noexcept {
    if (is_short_ascii(text)) return std::nullopt;
    const auto nul = text.find('\0');
    const std::string_view head = text.substr(0, nul);
    if (!valid_utf8(head)) return TextFault{TextFault::Kind::invalid_utf8, first_invalid_byte(head)};
    if (nul != std::string_view::npos) return TextFault{TextFault::Kind::nul, nul};
    return std::nullopt;
}

std::string to_string(const TextFault& fault) {
    return fault.kind == TextFault::Kind::nul
               ? fmt::format("has a NUL (U+0000) at byte {}, which PostgreSQL cannot store", fault.offset)
               : fmt::format("is not UTF-8 at byte {}", fault.offset);
}

void check_text(std::string_view what, std::string_view text) {
    if (const auto fault = find_text_fault(text)) {
        raise(ErrorCode::invalid_argument, fmt::format("{} {}", what, to_string(*fault)));
    }
}

bool has_blank(std::string_view text) noexcept {
    while (!text.empty()) {
        const bool ascii = is_ascii(text.front());
        const auto code_point = ascii ? text.front() : take_code_point(text);
        if (code_point < 0) return false;
        if (is_blank(code_point)) return true;
        if (ascii) text.remove_prefix(1);
    }
    return false;
}

bool is_alphanumeric(std::int32_t code_point) noexcept {
    switch (utf8proc_category(code_point)) {
        case UTF8PROC_CATEGORY_LU:
        case UTF8PROC_CATEGORY_LL:
        case UTF8PROC_CATEGORY_LT:
        case UTF8PROC_CATEGORY_LM:
        case UTF8PROC_CATEGORY_LO:
        case UTF8PROC_CATEGORY_ND:
        case UTF8PROC_CATEGORY_NL:
        case UTF8PROC_CATEGORY_NO: return true;
        default: return false;
    }
}

std::string fold_case(std::string_view text) {
    return transform<true, false>(text);
}

std::string collapse_blanks(std::string_view text) {
    return transform<false, true>(text);
}

std::string normalize_query(std::string_view text) {
    return transform<true, true>(text);
}

}  // namespace stele
