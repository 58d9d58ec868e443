// How soon other processes see a change, and what it costs those who write.
#pragma once

#include "side_by_side.hpp"

namespace stele::bench {

/// On the schema stele_bench of the server of scripts/bench, which must have Stele's tables.
void measure_coherence(SideBySide& bench);

}  // namespace stele::bench
