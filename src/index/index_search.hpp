// A search: its request checked, its query embedded, its results chosen among those that a store finds.
#pragma once

#include <vector>

#include "index/index_input.hpp"
#include "index/index_store.hpp"
#include "stele/detail/index_core.hpp"

namespace stele {

SearchResult<detail::IndexMatch> search_index(IndexStore& store, const IndexEmbedders& embedders,
                                              std::size_t mmr_multiplier, const IndexInput& query,
                                              const detail::IndexRequest& request);
SearchPlan explain_search(IndexStore& store, const IndexEmbedders& embedders, std::size_t mmr_multiplier,
                          const IndexInput& query, const detail::IndexRequest& request);
/// The newest first.
std::vector<detail::IndexMatch> list_index(IndexStore& store, const detail::IndexRequest& request);

}  // namespace stele
