// The statements of one search.
//
// Which way it goes is decided in the server, from a sample of the table that travels with it: one round trip, of a
// transaction of its own, so that the settings end with it.
//
//     decide   looks at the sample, says what the filter leaves, and sets how broad an index scan is to be
//     nearest  asks the ANN index if that was decided, and looks at every row if not, or if the index fell short
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "index/index_store.hpp"
#include "index/index_table.hpp"
#include "index/search_estimates.hpp"
#include "stele/rows.hpp"

namespace stele {

/// Refers to its arguments.
class SearchSql {
public:
    SearchSql(const IndexTable& table, const TableFacts& facts, const NearestQuery& query);

    /// The filter with its values, and how many are wanted: what an estimate holds for.
    std::string key() const;
    /// `known`: in place of a sample.
    Statement decide(const std::optional<SearchEstimate>& known) const;
    static SearchEstimate decided(const Row& row);
    /// `exact`: without the index, and without decide() before it. Its columns: id, payload, created, score, vector,
    /// and whether the index found it.
    Statement nearest(bool exact) const;
    // The last columns of its answer.
    static constexpr std::size_t kFactsHold = 5, kApproximate = 6;

    /// For a transaction that goes on: the settings of before, around all that.
    Statement remember_settings() const;
    static Statement restore_settings();

private:
    std::vector<std::string> settings() const;
    std::string candidates(const std::string& condition, bool exact, const std::string& limit) const;

    const IndexTable& table_;
    const TableFacts& facts_;
    const NearestQuery& query_;
};

}  // namespace stele
