// How much two embedders agree on which texts are alike.
#pragma once

#include <vector>

#include "stele/reembed.hpp"

namespace stele {

/// Unit vectors of the same texts, in the same order, by one embedder and by another.
NeighbourOverlap neighbour_overlap(const std::vector<std::vector<float>>& before,
                                   const std::vector<std::vector<float>>& after);

}  // namespace stele
