// The works of a fair benchmark of mneme's that have no rows of their own elsewhere.
#pragma once

#include <cstddef>

#include "cache_rows_cost.hpp"
#include "side_by_side.hpp"

namespace stele::bench {

/// Misses in both layers (which is what mneme's own figures for exact hits are of), puts that replace, opening, and
/// gets with puts among them by many threads. Its puts are of the namespace "puts".
void worklist_rows(SideBySide& bench, const CostlySides& sides, std::size_t dimension);

}  // namespace stele::bench
