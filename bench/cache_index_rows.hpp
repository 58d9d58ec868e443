// What a semantic search costs in memory, how soon a process can do one, and how much memory it takes.
#pragma once

#include "side_by_side.hpp"

namespace stele::bench {

/// The server of scripts/bench; makes a schema of its own.
void measure_cache_index(SideBySide& bench);

}  // namespace stele::bench
