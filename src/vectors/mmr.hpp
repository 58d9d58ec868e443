// Maximal marginal relevance: results that are like the question and unlike one another.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace stele {

/// The candidates to take, in order, at most `limit`. The first is the one most similar to the query; each next one has
/// the highest lambda * (cosine to the query) - (1 - lambda) * (highest cosine to one that was taken). Scores closer
/// than the rounding of float sums are ties: the candidate more similar to the query goes first, then the one that
/// stands before. A vector of no direction is similar to nothing. Costs limit x candidates dot products.
///
/// Throws Error(invalid_argument) unless 0 <= lambda <= 1, Error(dimension_mismatch) for a vector of another length
/// than the query's.
std::vector<std::size_t> mmr_order(std::span<const float> query, std::span<const std::vector<float>> candidates,
                                   std::size_t limit, double lambda);

}  // namespace stele
