// How many candidates of an HNSW index a search has to look at, measured on the vectors that are in it. It differs
// by much: what lies in themes needs more than what lies evenly, and so does a larger table.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "stele/executor.hpp"

namespace stele {

struct TableFacts;

/// Of a search for few results without a filter.
struct SearchBreadth {
    int candidates = 0;
    double rows = 0;  ///< of the table; of many more it says nothing
};

/// The comment on the index, which goes with it into dumps.
std::string breadth_note(const SearchBreadth& breadth);
/// Nothing: the comment is another's.
std::optional<SearchBreadth> read_breadth_note(std::string_view note);

/// In a transaction, whose settings it changes. Takes about as long as two thousand searches. Nothing when the table
/// has too few rows to tell.
std::optional<SearchBreadth> measure_breadth(Executor& transaction, const std::string& quoted_table,
                                             const TableFacts& facts, Deadline deadline);

}  // namespace stele
