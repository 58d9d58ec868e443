// The words of a text as BERT sees them: what Hugging Face's BertNormalizer and BertPreTokenizer make of it, in one
// pass.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace stele {

struct BertOptions {
    bool clean_text = true;     ///< drops control characters, U+0000 and U+FFFD
    bool split_chinese = true;  ///< each ideograph is a word
    bool strip_accents = true;  ///< decomposes (NFD) and drops nonspacing marks
    bool lower_case = true;
    std::size_t max_word = 100;  ///< in code points; a longer word has no pieces
};

/// One word after the other: a run between blanks, or one punctuation character, or one ideograph. `text` must be UTF-8
/// and outlive this. One thread at a time.
class BertWords {
public:
    BertWords(std::string_view text, const BertOptions& options) noexcept : text_(text), options_(options) {}

    /// False when there is no further word.
    bool next();
    /// Valid until next(); without meaning when too_long().
    std::string_view word() const noexcept { return word_; }
    bool too_long() const noexcept { return length_ > options_.max_word; }

private:
    bool take_ascii_run();
    void put(char32_t code_point);

    std::string_view text_;
    const BertOptions& options_;
    std::size_t at_ = 0;
    std::string word_;
    std::size_t length_ = 0;  // of the word, in code points
};

}  // namespace stele
