#include "cache/guards/guard_text.hpp"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "base/text.hpp"

namespace stele {
namespace {

// The zeros of the scripts' decimal digits; nine more follow each.
constexpr std::array<std::int32_t, 38> kZeros = {
    0x0030, 0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66,
    0x0DE6, 0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50,
    0x1BB0, 0x1C40, 0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10, 0x104A0};

std::optional<char> digit_of(std::int32_t c) noexcept {
    const auto* above = std::upper_bound(kZeros.begin(), kZeros.end(), c);
    if (above == kZeros.begin() || c - *(above - 1) > 9) return std::nullopt;
    return static_cast<char>('0' + (c - *(above - 1)));
}

// What stands for many kinds of it; 0: nothing does.
char ascii_of(std::int32_t c) noexcept {
    switch (c) {
        case 0x2018:
        case 0x2019:
        case 0x201B:
        case 0x02BC:
        case 0xFF07: return '\'';
        case 0x2010:
        case 0x2011:
        case 0x2012:
        case 0x2013:
        case 0x2014:
        case 0x2212:
        case 0xFF0D: return '-';
        case 0x201C:
        case 0x201D:
        case 0x201E:
        case 0x201F:
        case 0x00AB:
        case 0x00BB:
        case 0x300C:
        case 0x300D: return '"';
        case 0x066B: return '.';  // the Arabic decimal separator
        case 0x066A:
        case 0xFF05: return '%';
        case 0x3000:
        case 0x2003:
        case 0x2002: return ' ';
        default: return 0;
    }
}

bool is_thin_blank(std::int32_t c) noexcept {
    return c == 0xA0 || c == 0x2009 || c == 0x202F || c == 0x066C;  // the last groups thousands in Arabic
}

std::int32_t take(std::string_view& rest) noexcept {
    utf8proc_int32_t c = -1;
    const auto length = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(rest.data()),
                                         static_cast<utf8proc_ssize_t>(rest.size()), &c);
    rest.remove_prefix(length > 0 ? static_cast<std::size_t>(length) : rest.size());
    return c;
}

bool begins_with_digit(std::string_view rest) noexcept {
    return !rest.empty() && digit_of(take(rest)).has_value();
}

std::string plain_of(std::string_view text) {
    std::string plain;
    plain.reserve(text.size());
    for (std::string_view rest = text; !rest.empty();) {
        const std::string_view before = rest;
        const std::int32_t c = take(rest);
        if (const auto digit = digit_of(c)) {
            plain += *digit;
        } else if (is_thin_blank(c)) {
            if (plain.empty() || !is_digit(plain.back()) || !begins_with_digit(rest)) plain += ' ';
        } else if (const char ascii = ascii_of(c)) {
            plain += ascii;
        } else {
            plain.append(before.substr(0, before.size() - rest.size()));
        }
    }
    return plain;
}

bool is_letter(std::int32_t c) noexcept {
    return is_alphanumeric(c) || utf8proc_category(c) == UTF8PROC_CATEGORY_MN;
}

bool letter_follows(std::string_view rest) noexcept {
    return !rest.empty() && is_letter(take(rest));
}

std::vector<Word> words_of_plain(std::string_view plain) {
    std::vector<Word> words;
    bool opens = true;
    std::size_t begin = std::string_view::npos;
    const auto close = [&](std::size_t end) {
        if (begin == std::string_view::npos) return;
        const std::string_view raw = plain.substr(begin, end - begin);
        words.push_back({raw, fold_case(raw), begin, opens});
        opens = false;
        begin = std::string_view::npos;
    };
    for (std::string_view rest = plain; !rest.empty();) {
        const std::size_t at = plain.size() - rest.size();
        const std::int32_t c = take(rest);
        const bool inside = is_letter(c) || (c == '\'' && begin != std::string_view::npos && letter_follows(rest));
        if (inside) {
            if (begin == std::string_view::npos) begin = at;
            continue;
        }
        close(at);
        // a full stop inside a name or a number ends no sentence
        if (c == '!' || c == '?' || c == ':' || c == '\n' ||
            (c == '.' && (rest.empty() || rest.front() == ' ' || rest.front() == '\n'))) {
            opens = true;
        }
    }
    close(plain.size());
    return words;
}

}  // namespace

GuardText::GuardText(std::string_view text) {
    check_text("the question", text);
    plain_ = plain_of(text);
    words_ = words_of_plain(plain_);
    spaced_ = " ";
    for (const Word& word : words_) spaced_.append(word.folded).append(" ");
}

std::string spaced_words(std::string_view text) {
    return GuardText(text).spaced();
}

std::string stem(std::string_view folded) {
    std::string word(folded);
    const auto cut = [&word](std::string_view ending, std::size_t longer_than) {
        if (word.size() <= longer_than || !word.ends_with(ending)) return false;
        word.resize(word.size() - ending.size());
        return true;
    };
    constexpr std::size_t kShort = 3, kMedium = 4, kLong = 5;
    if (word.ends_with("'s")) word.resize(word.size() - 2);
    if (!cut("ing", kLong) && !cut("ed", kMedium) && !cut("es", kMedium) && !word.ends_with("ss")) cut("s", kShort);
    cut("e", kShort);
    if (word.size() > kShort && word.back() == word[word.size() - 2]) word.pop_back();
    return word;
}

}  // namespace stele
