// A question as the guards read it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace stele {

/// A run of letters and digits, apostrophes between letters included.
struct Word {
    std::string_view raw;   ///< as written
    std::string folded;     ///< in small letters
    std::size_t begin = 0;  ///< in GuardText::plain()
    bool opens = false;     ///< a sentence
    std::size_t end() const noexcept { return begin + raw.size(); }
};

/// Digits of any script are made ASCII digits, and all kinds of apostrophes, dashes, quotation marks and blanks one of
/// each; no-break and thin blanks between digits go. Letters stay as they are. Not copied: the words look into it.
class GuardText {
public:
    /// Throws Error(invalid_argument) for text that is not UTF-8.
    explicit GuardText(std::string_view text);
    GuardText(const GuardText&) = delete;
    GuardText& operator=(const GuardText&) = delete;

    const std::string& plain() const noexcept { return plain_; }
    const std::vector<Word>& words() const noexcept { return words_; }
    /// The text in small letters, its words apart by single blanks, with a blank at both ends.
    const std::string& spaced() const noexcept { return spaced_; }

private:
    std::string plain_;
    std::vector<Word> words_;
    std::string spaced_;
};

/// A text in the form of GuardText::spaced().
std::string spaced_words(std::string_view text);

/// A word without its English endings, roughly: what "stopping", "stopped" and "stops" have in common.
std::string stem(std::string_view folded);

inline bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}
template <class Words>
bool is_one_of(std::string_view word, const Words& words) noexcept {
    return std::find(std::begin(words), std::end(words), word) != std::end(words);
}
/// Of ASCII, or any byte of another letter.
inline bool is_word_byte(char c) noexcept {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80;
}

}  // namespace stele
