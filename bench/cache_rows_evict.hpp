// What a put costs that finds the cache full.
#pragma once

#include <functional>
#include <string>

#include "side_by_side.hpp"

namespace stele::bench {

/// `rival`: makes such puts with mneme in that schema, and says how long the slowest took, in seconds.
void eviction_rows(SideBySide& bench, const std::function<double(const std::string& schema)>& rival);

}  // namespace stele::bench
