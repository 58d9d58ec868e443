#include "base/words.hpp"

#include <utf8proc.h>

#include <cstdlib>
#include <memory>
#include <utility>

#include "base/text.hpp"

namespace stele {
namespace {

constexpr utf8proc_int32_t kCodePoints = 0x110000;

bool is_word(utf8proc_int32_t code_point) noexcept {
    return code_point == '_' || is_alphanumeric(code_point);
}

std::string encode(utf8proc_int32_t code_point) {
    utf8proc_uint8_t bytes[4];
    const auto length = utf8proc_encode_char(code_point, bytes);
    return {reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(length)};
}

std::string to_nfc(std::string_view text) {
    utf8proc_uint8_t* composed = nullptr;
    const auto length =
        utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()),
                     &composed, static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
    const std::unique_ptr<utf8proc_uint8_t, void (*)(void*)> owner(composed, std::free);
    if (length < 0) return std::string(text);
    return {reinterpret_cast<const char*>(composed), static_cast<std::size_t>(length)};
}

WordRules make_rules() {
    WordRules rules;
    rules.between = "[^";
    utf8proc_int32_t first = -1;  // of a run of word characters
    for (utf8proc_int32_t c = 1; c <= kCodePoints; ++c) {
        const bool word = c < kCodePoints && is_word(c);
        if (word && first < 0) first = c;
        if (!word && first >= 0) {
            rules.between += encode(first);
            if (c - 1 > first) rules.between.append("-").append(encode(c - 1));
            first = -1;
        }
    }
    // of all characters: marks and symbols fold too, the iota below a Greek letter and letters in circles
    for (utf8proc_int32_t c = 0x80; c < kCodePoints; ++c) {
        if (!utf8proc_codepoint_valid(c)) continue;
        std::string from = encode(c);
        std::string to = fold_case(from);
        if (from == to) continue;
        rules.folds_from.push_back(std::move(from));
        rules.folds_to.push_back(std::move(to));
    }
    rules.between += "]+";
    return rules;
}

}  // namespace

std::vector<std::string> words_of(std::string_view text) {
    check_text("the text", text);
    const std::string folded = fold_case(to_nfc(text));
    std::vector<std::string> words;
    std::string word;
    const auto* at = reinterpret_cast<const utf8proc_uint8_t*>(folded.data());
    auto left = static_cast<utf8proc_ssize_t>(folded.size());
    while (left > 0) {
        utf8proc_int32_t code_point = -1;
        const auto length = utf8proc_iterate(at, left, &code_point);
        if (is_word(code_point)) {
            word.append(reinterpret_cast<const char*>(at), static_cast<std::size_t>(length));
        } else if (!word.empty()) {
            words.push_back(std::exchange(word, {}));
        }
        at += length;
        left -= length;
    }
    if (!word.empty()) words.push_back(std::move(word));
    return words;
}

const WordRules& word_rules() {
    static const WordRules rules = make_rules();
    return rules;
}

}  // namespace stele
