// The row of index_bench about searching by meaning and by words at once.
#pragma once

#include "side_by_side.hpp"

namespace stele::bench {

/// Makes its own table in the schema stele_hybrid, and drops it.
void measure_hybrid(SideBySide& bench);

}  // namespace stele::bench
