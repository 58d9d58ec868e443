// What a search by meaning finds, and what its answer is worth.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "stele/export.hpp"

namespace stele {
inline namespace v0 {

/// How far the answer of a search can be relied on. It never has fewer results than there are, up to its limit.
enum class Completeness : std::uint8_t {
    complete,   ///< as many as were asked for, and nothing that was left out is nearer
    exhausted,  ///< fewer than were asked for: there are no more
    /// Found by an ANN index, which looks at a part of the rows: one of the nearest may be missing. Together with a
    /// score_threshold there may be fewer than the limit, and one that scores enough may be missing.
    stopped_at_budget,
};
/// "complete", "exhausted", "stopped_at_budget".
STELE_API std::string_view to_string(Completeness completeness) noexcept;

/// The results of a search, best first: a range.
template <class Item>
class SearchResult {
public:
    using value_type = Item;
    using const_iterator = typename std::vector<Item>::const_iterator;
    using iterator = const_iterator;

    SearchResult() = default;
    SearchResult(std::vector<Item> items, Completeness completeness)
        : items_(std::move(items)), completeness_(completeness) {}

    Completeness completeness() const noexcept { return completeness_; }
    /// Whether a look at every row would have found the same.
    bool is_exact() const noexcept { return completeness_ != Completeness::stopped_at_budget; }

    const_iterator begin() const noexcept { return items_.begin(); }
    const_iterator end() const noexcept { return items_.end(); }
    std::size_t size() const noexcept { return items_.size(); }
    bool empty() const noexcept { return items_.empty(); }
    const Item& operator[](std::size_t index) const { return items_[index]; }
    /// Throws std::out_of_range.
    const Item& at(std::size_t index) const { return items_.at(index); }
    const Item& front() const { return items_.front(); }
    const Item& back() const { return items_.back(); }

    const std::vector<Item>& items() const noexcept { return items_; }
    operator const std::vector<Item>&() const noexcept { return items_; }

private:
    std::vector<Item> items_;
    Completeness completeness_ = Completeness::exhausted;
};

/// How a search was done: for people who ask why it took so long, or what it missed.
struct SearchPlan {
    std::string table;      ///< its name, quoted, with its schema
    double rows = 0;        ///< of the table, estimated from a sample
    double share = 1;       ///< of them that the filter leaves, estimated from the same sample: 0 to 1
    bool exact = true;      ///< whether every row that the filter leaves was to be looked at
    int breadth = 0;        ///< without exact: hnsw.ef_search
    std::size_t found = 0;  ///< rows, before score_threshold and rerank; of search_hybrid() its results
    Completeness completeness = Completeness::exhausted;  ///< of those
    std::string sql;                                      ///< the statement, its values as $1, $2 ...
    std::vector<std::string> lines;                       ///< of PostgreSQL's EXPLAIN (ANALYZE)
};

}  // namespace v0
}  // namespace stele
