// The rows of index_bench about searching beside an ANN index.
#pragma once

#include "side_by_side.hpp"

namespace stele::bench {

/// Makes its own tables in the schema stele_bench, and drops it.
void measure_search(SideBySide& bench);

}  // namespace stele::bench
