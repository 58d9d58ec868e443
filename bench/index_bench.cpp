// Does a search keep its promise at the speed of the best statement that one could write by hand?
//
// Documents whose vectors lie as those of texts do, a member that filters ask for with an index on it, one caller, not
// pinned: client and server share all CPUs. By hand: libpq, a prepared statement of a binary vector and the filter's
// value, and for each filter the quickest of eleven ways (exact, HNSW with ten breadths) that finds 99 % of the
// nearest to 400 other queries; its settings are made once. --quick has 20,000 documents instead of 100,000. The hybrid
// search has a table of its own, and beside it the statement that fuses the same lists, without a word on its
// completeness.

#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <vector>

#include "bulk_rows.hpp"
#include "clustered.hpp"
#include "companion.hpp"
#include "hybrid_rows.hpp"
#include "search_rows.hpp"
#include "side_by_side.hpp"
#include "vectors/mmr.hpp"

namespace stele::bench {
namespace {

void measure_mmr(SideBySide& bench) {
    constexpr char kWork[] = "MMR, 10 of 1,000 x 768 (ms)";
    if (!bench.wants(kWork)) return;
    constexpr std::size_t kLimit = 10, kCandidates = 1000, kDimension = 768;
    const double seconds = bench.quick() ? 0.2 : 0.5;
    Clustered clustered(kDimension);
    const std::vector<float> query = clustered.draw();
    std::vector<std::vector<float>> candidates;
    for (std::size_t i = 0; i < kCandidates; ++i) candidates.push_back(clustered.draw());
    Companion numpy({"python3", "-I", STELE_INDEX_MMR, STELE_INDEX_RIVAL "/python"});
    const nlohmann::json first =
        numpy.ask({{"query", query}, {"candidates", candidates}, {"limit", kLimit}, {"seconds", 0}});
    const auto theirs = first["chosen"].get<std::vector<std::size_t>>();
    if (theirs != mmr_order(query, candidates, kLimit, 0.5)) throw std::runtime_error("the two choose differently");
    bench.measure(
        {.work = kWork,
         .against = "NumPy doing the same",
         .compare = Compare::lower_is_better,
         .at_least = 50,
         .ours = [&] { return 1e3 * median_seconds(seconds, {[&] { mmr_order(query, candidates, kLimit, 0.5); }}); },
         .theirs =
             [&] { return 1e3 * numpy.ask({{"limit", kLimit}, {"seconds", seconds}})["seconds"].get<double>(); }});
}

}  // namespace
}  // namespace stele::bench

int main(int argc, char** argv) {
    return stele::bench::run(argc, argv, "The vector index beside the statements one could write by hand.",
                             [](stele::bench::SideBySide& bench) {
                                 stele::bench::measure_mmr(bench);
                                 stele::bench::measure_search(bench);
                                 stele::bench::measure_hybrid(bench);
                                 stele::bench::measure_bulk(bench);
                             });
}
