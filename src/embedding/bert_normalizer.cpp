#include "embedding/bert_normalizer.hpp"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace stele {
namespace {

enum class Kind : std::uint8_t { part, alone, blank, dropped };

struct Character {
    Kind kind = Kind::dropped;
    std::size_t bytes = 1;  // that it takes in the text
    std::size_t count = 0;
    std::array<char32_t, 4> parts{};  // no canonical decomposition is longer
};

struct Range {
    char32_t first;
    char32_t last;
};

// Hugging Face's categories are those of Unicode 8 and its decompositions of Unicode 12, and a text must have the same
// pieces with every utf8proc. Whatever came later and is now a mark, punctuation or a format character, or has a
// decomposition, up to Unicode 18; gaps are filled where both agree.
constexpr std::array kNewer = std::to_array<Range>({
    {0x5C8, 0x5C9},     {0x61D, 0x61D},     {0x7FD, 0x7FD},     {0x890, 0x8E2},     {0x9FD, 0x9FE},
    {0xA76, 0xA76},     {0xAFA, 0xAFF},     {0xB53, 0xB55},     {0xC04, 0xC3C},     {0xC77, 0xC77},
    {0xC84, 0xC84},     {0xD00, 0xD00},     {0xD3B, 0xD3C},     {0xD81, 0xD81},     {0xEBA, 0xEBA},
    {0xECE, 0xECE},     {0x180F, 0x1886},   {0x1ABF, 0x1AF0},   {0x1B4E, 0x1B4F},   {0x1B7D, 0x1B7F},
    {0x1DF6, 0x1DFB},   {0x2E43, 0x2E63},   {0xA82C, 0xA82C},   {0xA8C5, 0xA8C5},   {0xA8FF, 0xA8FF},
    {0xA9BD, 0xA9BD},   {0x105C9, 0x105E4}, {0x10D24, 0x10F89}, {0x11070, 0x11074}, {0x110C2, 0x110CD},
    {0x111CF, 0x111CF}, {0x1123E, 0x11241}, {0x1133B, 0x1133B}, {0x11383, 0x1145E}, {0x11660, 0x1166C},
    {0x116B9, 0x116B9}, {0x1182F, 0x11FFF}, {0x12FF1, 0x1612F}, {0x16D68, 0x16F4F}, {0x16FE2, 0x16FE4},
    {0x1CF00, 0x1D128}, {0x1D25B, 0x1D25C}, {0x1E000, 0x1E6F5}, {0x1E944, 0x1E95F},
});

// With the hole that Hugging Face's list has: U+2B820 to U+2B91F are not in it.
constexpr std::array kIdeographs = std::to_array<Range>({
    {0x3400, 0x4DBF},
    {0x4E00, 0x9FFF},
    {0xF900, 0xFAFF},
    {0x20000, 0x2A6DF},
    {0x2A700, 0x2B81F},
    {0x2B920, 0x2CEAF},
    {0x2F800, 0x2FA1F},
});

template <std::size_t Count>
constexpr bool contains(const std::array<Range, Count>& ranges, char32_t c) noexcept {
    const auto range = std::lower_bound(ranges.begin(), ranges.end(), c,
                                        [](const Range& candidate, char32_t value) { return candidate.last < value; });
    return range != ranges.end() && range->first <= c;
}

utf8proc_category_t category(char32_t c) noexcept {
    return utf8proc_category(static_cast<utf8proc_int32_t>(c));
}

// The Unicode property White_Space, as Rust has it.
constexpr bool is_blank(char32_t c) noexcept {
    if (c < 0x80) return c == ' ' || (c >= 0x09 && c <= 0x0D);
    return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 ||
           c == 0x202F || c == 0x205F || c == 0x3000;
}

constexpr bool is_ascii_letter_or_digit(char32_t c) noexcept {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool is_dropped(char32_t c) noexcept {
    if (c == 0xFFFD) return true;
    if (c == '\t' || c == '\n' || c == '\r') return false;
    const auto kind = category(c);
    return (kind == UTF8PROC_CATEGORY_CC || kind == UTF8PROC_CATEGORY_CF || kind == UTF8PROC_CATEGORY_CO) &&
           !contains(kNewer, c);
}

// Two of the three exceptions were marks and are no longer, one was punctuation and is a mark now.
bool is_nonspacing_mark(char32_t c) noexcept {
    if (c == 0x1734 || c == 0x1171E) return true;
    return category(c) == UTF8PROC_CATEGORY_MN && c != 0x111C9 && !contains(kNewer, c);
}

bool is_punctuation(char32_t c) noexcept {
    if (c < 0x80) return c > ' ' && c < 0x7F && !is_ascii_letter_or_digit(c);
    if (c == 0x166D || c == 0x111C9) return true;
    const auto kind = category(c);
    return kind >= UTF8PROC_CATEGORY_PC && kind <= UTF8PROC_CATEGORY_PO && !contains(kNewer, c);
}

constexpr std::uint8_t lower_ascii(std::uint8_t c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<std::uint8_t>(c + ('a' - 'A')) : c;
}

void lower(Character& character) {
    // The only code point whose lower case is two.
    if (character.count == 1 && character.parts[0] == 0x130) {
        character.count = 2;
        character.parts = {U'i', 0x307};
        return;
    }
    for (std::size_t i = 0; i < character.count; ++i)
        character.parts[i] = static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(character.parts[i])));
}

// Marks that stay are not put into canonical order: that matters only to a vocabulary with several of them.
void strip_accents(Character& character) {
    std::array<utf8proc_int32_t, 4> decomposed{};
    int boundary = 0;
    const char32_t whole = character.parts[0];
    const auto count =
        contains(kNewer, whole)
            ? 0
            : utf8proc_decompose_char(static_cast<utf8proc_int32_t>(whole), decomposed.data(),
                                      static_cast<utf8proc_ssize_t>(decomposed.size()), UTF8PROC_DECOMPOSE, &boundary);
    if (count < 1 || static_cast<std::size_t>(count) > decomposed.size()) return;
    character.count = 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
        const auto part = static_cast<char32_t>(decomposed[i]);
        if (!is_nonspacing_mark(part)) character.parts[character.count++] = part;
    }
}

Character character_of(char32_t c, const BertOptions& options) {
    Character character;
    if (options.clean_text && is_dropped(c)) return character;
    character.count = 1;
    character.parts[0] = c;
    if (options.strip_accents) strip_accents(character);
    if (options.lower_case) lower(character);
    if (character.count == 0) return character;
    // What a character is taken apart into is all letters and marks, or it is one.
    if (is_blank(character.parts[0])) {
        character.kind = Kind::blank;
    } else if ((options.split_chinese && contains(kIdeographs, c)) || is_punctuation(character.parts[0])) {
        character.kind = Kind::alone;
    } else {
        character.kind = Kind::part;
    }
    return character;
}

// The same for what most texts consist of, letters and digits aside.
Character ascii_character(char32_t c, const BertOptions& options) noexcept {
    Character character;
    const bool control = c < ' ' || c == 0x7F;
    if (control && options.clean_text && c != '\t' && c != '\n' && c != '\r') return character;
    character.kind = is_blank(c) ? Kind::blank : control ? Kind::part : Kind::alone;
    character.count = 1;
    character.parts[0] = c;
    return character;
}

Character first_character(std::string_view text, const BertOptions& options) {
    const auto byte = static_cast<std::uint8_t>(text.front());
    if (byte < 0x80) return ascii_character(byte, options);
    utf8proc_int32_t code_point = 0;
    const auto bytes = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                        static_cast<utf8proc_ssize_t>(text.size()), &code_point);
    if (bytes < 1) return {};  // not UTF-8, against the contract: skips a byte
    Character character = character_of(static_cast<char32_t>(code_point), options);
    character.bytes = static_cast<std::size_t>(bytes);
    return character;
}

}  // namespace

bool BertWords::take_ascii_run() {
    std::size_t end = at_;
    while (end < text_.size() && is_ascii_letter_or_digit(static_cast<unsigned char>(text_[end]))) ++end;
    const std::string_view run = text_.substr(at_, end - at_);
    at_ = end;
    length_ += run.size();
    if (too_long()) return !run.empty();
    const std::size_t start = word_.size();
    word_.append(run);
    if (options_.lower_case)
        for (std::size_t i = start; i < word_.size(); ++i)
            word_[i] = static_cast<char>(lower_ascii(static_cast<std::uint8_t>(word_[i])));
    return !run.empty();
}

void BertWords::put(char32_t code_point) {
    ++length_;
    if (too_long()) return;
    std::array<utf8proc_uint8_t, 4> bytes{};
    const auto count = utf8proc_encode_char(static_cast<utf8proc_int32_t>(code_point), bytes.data());
    word_.append(reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(count));
}

bool BertWords::next() {
    word_.clear();
    length_ = 0;
    while (at_ < text_.size()) {
        if (take_ascii_run()) {
            if (at_ == text_.size() || text_[at_] != ' ') continue;
            ++at_;
            return true;
        }
        const Character character = first_character(text_.substr(at_), options_);
        const bool ends_word = character.kind == Kind::alone || character.kind == Kind::blank;
        if (ends_word && length_ > 0) return true;  // it is looked at again
        at_ += character.bytes;
        if (character.kind == Kind::blank) continue;
        for (std::size_t i = 0; i < character.count; ++i) put(character.parts[i]);
        if (ends_word) return true;
    }
    return length_ > 0;
}

}  // namespace stele
