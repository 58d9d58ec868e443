// How soon what one process puts is what all the others are answered.
#pragma once

#include <string_view>

#include "side_by_side.hpp"

namespace stele::bench {

/// The first argument of this program when it is one of the processes.
inline constexpr std::string_view kCacheProcess = "--cache-process";

void process_rows(SideBySide& bench);
/// The body of such a process: answers its standard input until that ends.
int run_cache_process();

}  // namespace stele::bench
