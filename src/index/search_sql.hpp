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
    /// The same for a query with words, and both halves fused: in the place of the score the cosine, and then the fused
    /// score, the place by meaning, the score by words and the place by words. There is always a row; without an id it
    /// stands for none.
    Statement fused(bool exact) const;
    /// The one or the other.
    Statement found(bool exact) const { return query_.words == nullptr ? nearest(exact) : fused(exact); }
    // Columns of every answer.
    static constexpr std::size_t kFactsHold = 5, kApproximate = 6;

    /// For a transaction that goes on: the settings of before, around all that.
    Statement remember_settings() const;
    static Statement restore_settings();

private:
    /// Of a candidate, whose distance is d.
    static constexpr const char* kScore = "CASE WHEN d = 'NaN' THEN 0 ELSE 1 - d END";

    std::vector<std::string> settings() const;
    /// Of the filter. The keys of members with an index are written out: a kept plan then takes the index.
    std::string condition(Parameters& parameters) const;
    std::string candidates(const std::string& condition, bool exact, const std::string& limit) const;
    /// The candidates of the way that is taken, and whether an index found them (`found`): what stands in WITH before
    /// them, and what they are selected from.
    struct Chosen {
        std::string with, from;
    };
    Chosen chosen(const std::string& condition, bool exact, const std::string& limit) const;

    const IndexTable& table_;
    const TableFacts& facts_;
    const NearestQuery& query_;
};

}  // namespace stele
