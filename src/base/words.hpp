// Text as a search by words sees it: as draive's text_match does, so NFC and full case folding, and what Python calls a
// word character.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace stele {

/// The words of a text, normalised and folded. Throws Error(invalid_argument) for text that is not UTF-8.
std::vector<std::string> words_of(std::string_view text);

/// The same rules, for a server that has none of them.
struct WordRules {
    std::vector<std::string> folds_from;  ///< every character beyond ASCII that case folding changes
    std::vector<std::string> folds_to;    ///< into what
    std::string between;                  ///< a regular expression for what lies between words
};
const WordRules& word_rules();

}  // namespace stele
