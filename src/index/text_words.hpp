// The words of a text with their places, as PostgreSQL's to_tsvector makes them by the configuration `simple`: for the
// twin of a hybrid search. Ordinary words only: include/stele/hybrid_search.hpp says what it does not know.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_tree.hpp"
#include "stele/detail/filter_path.hpp"

namespace stele {

/// Runs of letters and digits, in lower case. The text must be UTF-8.
std::vector<std::string> simple_words(std::string_view text);

class TextWords {
public:
    /// Of all texts that these paths lead to.
    TextWords(const JsonNode& value, const std::vector<detail::FilterPath>& paths);

    /// In rising order; none: the word is not there.
    const std::vector<int>& places(const std::string& word) const;
    bool empty() const noexcept { return places_.empty(); }

private:
    void add(const JsonNode& value);
    void add(std::string_view text);

    std::map<std::string, std::vector<int>> places_;
    int last_ = 0;
};

}  // namespace stele
