// Many ready vectors into an index, beside what PostgreSQL takes at best and what a loop of INSERTs gives.
#pragma once

#include "side_by_side.hpp"

namespace stele::bench {

/// On a schema of its own, stele_bench_bulk, of the server of scripts/bench.
void measure_bulk(SideBySide& bench);

}  // namespace stele::bench
