// What somebody types into a search box, as PostgreSQL's websearch_to_tsquery reads it by the configuration `simple`,
// and what ts_rank makes of it: for the twin of a hybrid search.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "index/text_words.hpp"

namespace stele {

/// Never changes once it is made.
class WebQuery {
public:
    /// Any text is a query.
    explicit WebQuery(std::string_view text);

    /// A query without a word matches nothing.
    bool matches(const TextWords& words) const;
    /// ts_rank, to the last bit: equal ones are decided by other things.
    float rank(const TextWords& words) const;

private:
    /// Words that follow one another.
    struct Phrase {
        std::vector<std::string> words;
        std::size_t negations = 0;
    };
    using All = std::vector<Phrase>;

    float rank_near(const TextWords& words) const;
    float rank_often(const TextWords& words) const;

    std::vector<All> any_;
    std::set<std::string> words_;  // those that must not be there, too
};

}  // namespace stele
