// A search by meaning and by words at once, with one list of results: what a VectorIndex is asked, and what it finds.
//
//     stele::VectorIndex<Page> pages(database, embedder, {.text = {field(&Page::title), field(&Page::body)}});
//     for (const auto& found : pages.search_hybrid("reset \"error 17\"", {.limit = 5})) use(found.value, found.score);
//
// Meaning finds what is said in other words; words find what has no meaning to an embedder: names, numbers, codes. Each
// half lists its best, the one by cosine, the other by PostgreSQL's ts_rank, and the two lists are fused by reciprocal
// rank, which needs no common scale:
//
//     score = vector_weight / (k + place by cosine) + text_weight / (k + place by words)
//
// with places from 1, and nothing from a half that did not list it (Cormack, Clarke and Büttcher, Reciprocal Rank
// Fusion outperforms Condorcet and individual Rank Learning Methods, SIGIR 2009; k = 60 is theirs).
//
// The words are read by websearch_to_tsquery, which knows no errors:
//     reset button        both words, anywhere            "reset button"      next to one another, in this order
//     reset or restart    one of them is enough           -factory            not this word, nor this "phrase"
// A question in whole sentences is rarely found with all its words: give the half by words those that matter
// (HybridOptions::words), joined by `or` if some of them will do.
//
// The twin in memory finds and orders the same for the configuration `simple`, and takes every other for it, on words
// of letters and digits between blanks, punctuation and symbols. It does not know PostgreSQL's compounds: of words with
// hyphens, numbers with signs or points, addresses of mail and web, names of files, tags and entities of XML it takes
// the parts for words. It lowers letters of any script, a server those that the locale of its database knows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "stele/deadline.hpp"
#include "stele/filter.hpp"
#include "stele/timestamp.hpp"
#include "stele/uuid.hpp"

namespace stele {
inline namespace v0 {

/// There is no `rerank`: that orders by the vectors alone, and would undo what the words brought. There is no `after`:
/// raise the limit.
template <class Model>
struct HybridOptions {
    std::int64_t limit = 8;                  ///< 1 to 100,000
    FilterOf<Model> where{};                 ///< only these; applies in both halves, before they are fused
    std::optional<float> score_threshold{};  ///< of the half by meaning: only with a cosine of at least this, -1 to 1
    /// What the half by words looks for. None: the query's text. Without a word in it, or with none that the
    /// configuration takes for one ("the" in english), that half finds nothing, and the other answers alone. Up to 16
    /// KiB: Error(limit_exceeded).
    std::optional<std::string> words{};
    /// How many each half lists, from `limit` to 100,000. None: 3 x limit, and at least 50. What lies further down in a
    /// list counts as not found by that half.
    std::optional<std::int64_t> candidates{};
    /// More than 0, up to 1,000,000. The less it is, the more the first places count.
    double k = 60;
    double vector_weight = 1, text_weight = 1;  ///< each more than 0, up to 1,000,000
    std::optional<Deadline> deadline{};
    bool exact = false;  ///< no ANN index for the half by meaning, as SearchOptions::exact
};

/// What was found, and by what.
template <class Model>
struct HybridFound {
    Uuid id{};
    Model value{};
    double score = 0;                            ///< fused; comparable within one search only
    std::optional<double> cosine{};              ///< to the query, -1 to 1, where the half by meaning lists it
    std::optional<std::int64_t> vector_place{};  ///< in that list, from 1
    std::optional<double> text_score{};          ///< ts_rank, where the half by words lists it
    std::optional<std::int64_t> text_place{};    ///< in that list, from 1
    Timestamp created{};                         ///< when it was first indexed, by the database's clock
};

}  // namespace v0
}  // namespace stele
