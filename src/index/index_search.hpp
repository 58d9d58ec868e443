// A search: its request checked, its query embedded, its results chosen among those that a store finds.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "index/index_input.hpp"
#include "index/index_store.hpp"
#include "stele/detail/index_core.hpp"

namespace stele {

inline constexpr std::int64_t kMaxLimit = 100'000;

/// Both throw Error(invalid_argument).
void check_search_limit(std::int64_t limit);
void check_score_threshold(const std::optional<float>& threshold);

struct EmbeddedQuery {
    VectorFrame frame;
    std::vector<float> vector;
};
/// Of a query that check_query() gave.
EmbeddedQuery embed_query(const IndexEmbedders& embedders, const IndexInput& query, Deadline deadline);

SearchResult<detail::IndexMatch> search_index(IndexStore& store, const IndexEmbedders& embedders,
                                              std::size_t mmr_multiplier, const IndexInput& query,
                                              const detail::IndexRequest& request);
SearchPlan explain_search(IndexStore& store, const IndexEmbedders& embedders, std::size_t mmr_multiplier,
                          const IndexInput& query, const detail::IndexRequest& request);
/// Its own k, weights and numbers of candidates checked, too.
SearchResult<detail::HybridMatch> search_hybrid(IndexStore& store, const IndexEmbedders& embedders,
                                                const VectorIndexOptions& options, const IndexInput& query,
                                                const detail::HybridRequest& request);
SearchPlan explain_hybrid(IndexStore& store, const IndexEmbedders& embedders, const VectorIndexOptions& options,
                          const IndexInput& query, const detail::HybridRequest& request);
/// The newest first.
std::vector<detail::IndexMatch> list_index(IndexStore& store, const detail::IndexRequest& request);

}  // namespace stele
