// What the main works cost besides time: at the worst, on the wire, in the log, in memory.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "companion.hpp"
#include "side_by_side.hpp"
#include "stele/semantic_cache.hpp"

namespace stele::bench {

/// One of them, which both sides do.
struct CostlyWork {
    std::string name;
    std::string rival;  ///< mneme_rival.py's name for it
    /// Does it once with this cache; the number differs from call to call.
    std::function<void(SemanticCache&, std::size_t)> ours;
};

struct CostlySides {
    /// Of the benchmark's rows, through that connection string.
    std::function<SemanticCache(const std::string& dsn)> open;
    std::function<std::unique_ptr<Companion>(const std::string& dsn)> open_rival;
    std::size_t rows = 0;
    double seconds = 0;
};

void cost_rows(SideBySide& bench, const CostlySides& sides, const CostlyWork& work);

}  // namespace stele::bench
