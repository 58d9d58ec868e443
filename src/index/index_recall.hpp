// How much of the nearest an ANN index finds.
#pragma once

#include "index/index_store.hpp"

namespace stele {

/// Searches for vectors of the index itself, both ways.
RecallCheck check_recall(IndexStore& store, const VectorIndexOptions& options, const RecallCheckOptions& recall,
                         Deadline deadline);

}  // namespace stele
