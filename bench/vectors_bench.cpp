// Does an exact search run at the speed of memory?
//
// A search must read every row once. The rival reads the same memory and does nothing else: it adds up all of it in
// vector registers, through the same run-time dispatch. One thread, kept on one CPU; the matrix is far
// larger than the caches (307 and 614 MB). Each search has another query. --quick changes nothing: the whole takes
// seconds.
//
// Further rows inform only: the same at 1536 dimensions, the plain loop at -O2, and what adding costs: the rate, and
// the slowest single call while an index grows from nothing, beside one std::vector that doubles.

#include <fmt/core.h>
#include <hwy/targets.h>
#include <malloc.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "clustered.hpp"
#include "pinning.hpp"
#include "scans.hpp"
#include "side_by_side.hpp"
#include "vectors/flat_index.hpp"
#include "vectors/kernels.hpp"

namespace stele::bench {
namespace {

constexpr std::size_t kRows = 100'000;
constexpr std::size_t kMatches = 8;
constexpr std::size_t kQueries = 64;
constexpr float kEveryScore = -2.0F;
constexpr double kMillisecond = 1e-3;
constexpr double kMicrosecond = 1e-6;

// The compiler must not drop work whose result nobody looks at.
volatile std::uint64_t sink;

std::vector<float> random_units(std::size_t rows, std::size_t dimension) {
    std::minstd_rand random(1);
    std::uniform_real_distribution<float> uniform(-1, 1);
    std::vector<float> floats(rows * dimension);
    for (float& value : floats) value = uniform(random);
    for (std::size_t i = 0; i < rows; ++i) kernels::normalize(std::span(floats).subspan(i * dimension, dimension));
    return floats;
}

std::span<const float> nth(const std::vector<float>& units, std::size_t dimension, std::size_t n) {
    return std::span(units).subspan(n * dimension, dimension);
}

// As embeddings of texts lie; the questions are near some of the rows.
std::vector<float> clustered_units(std::size_t rows, std::size_t dimension) {
    Clustered clustered(dimension);
    std::vector<float> floats;
    floats.reserve(rows * dimension);
    for (std::size_t i = 0; i < rows; ++i) {
        const std::vector<float> unit = clustered.draw();
        floats.insert(floats.end(), unit.begin(), unit.end());
    }
    return floats;
}
std::vector<float> near_some(const std::vector<float>& rows, std::size_t dimension) {
    constexpr float kNoise = 0.015F;  // a cosine of about 0.92
    std::mt19937 random(3);
    std::normal_distribution<float> normal;
    std::vector<float> queries(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(kQueries * dimension));
    for (float& value : queries) value += kNoise * normal(random);
    for (std::size_t i = 0; i < kQueries; ++i) {
        kernels::normalize(std::span(queries).subspan(i * dimension, dimension));
    }
    return queries;
}

class Searches {
public:
    Searches(std::size_t dimension, const std::vector<float>& rows, std::vector<float> queries)
        : dimension_(dimension), queries_(std::move(queries)), index_(dimension) {
        for (std::size_t i = 0; i < kRows; ++i) {
            index_.upsert(static_cast<std::int64_t>(i), nth(rows, dimension, i));
        }
    }
    explicit Searches(std::size_t dimension)
        : Searches(dimension, random_units(kRows, dimension), random_units(kQueries, dimension)) {}

    /// Returns how long it took.
    double make_copies() {
        constexpr std::size_t kAny = static_cast<std::size_t>(-1);
        for (int i = 0; i < 8; ++i) search_ms();  // before, there are none
        return seconds([&] {
                   while (index_.make_copies(kAny) != 0) {
                   }
               }) /
               kMillisecond;
    }
    std::size_t refined() const { return index_.usage().refined; }

    double search_ms() {
        const std::span<const float> query = nth(queries_, dimension_, next_++ % kQueries);
        return seconds(
                   [&] { sink = static_cast<std::uint64_t>(index_.search(query, kMatches, kEveryScore).front().id); }) /
               kMillisecond;
    }
    double read_ms() const {
        return seconds([&] {
                   std::uint64_t sum = 0;
                   for (const auto block : index_.memory()) sum += read_all(floats(block));
                   sink = sum;
               }) /
               kMillisecond;
    }
    double plain_loop_ms() const {
        std::vector<float> scores(kRows);
        return seconds([&] {
                   for (const auto bytes : index_.memory()) {
                       const std::span<const float> block = floats(bytes);
                       plain_dot_rows(block.data(), nth(queries_, dimension_, 0),
                                      std::span(scores).first(block.size() / dimension_));
                   }
                   sink = static_cast<std::uint64_t>(scores.back() * 1e6F);
               }) /
               kMillisecond;
    }

private:
    static std::span<const float> floats(std::span<const std::byte> rows) {
        return {reinterpret_cast<const float*>(rows.data()), rows.size() / sizeof(float)};
    }

    std::size_t dimension_;
    std::vector<float> queries_;
    FlatIndex index_;
    std::size_t next_ = 0;
};

void measure_searches(SideBySide& bench) {
    for (const std::size_t dimension : {768, 1536}) {
        const std::string work = fmt::format("search 100k x {}, float32, k=8 (ms)", dimension);
        const std::string plain = fmt::format("search 100k x {} beside a plain loop, float32, k=8 (ms)", dimension);
        if (!bench.wants(work) && !bench.wants(plain)) continue;
        Searches searches(dimension);
        bench.measure({.work = work,
                       .against = "pure read of the same memory",
                       .compare = Compare::lower_is_better,
                       .at_least = dimension == 768 ? std::optional(0.85) : std::nullopt,
                       .repetitions = 101,
                       .ours = [&] { return searches.search_ms(); },
                       .theirs = [&] { return searches.read_ms(); }});
        if (dimension != 768) continue;
        bench.measure({.work = plain,
                       .against = "dot products at -O2, no selection",
                       .compare = Compare::lower_is_better,
                       .at_least = {},
                       .ours = [&] { return searches.search_ms(); },
                       .theirs = [&] { return searches.plain_loop_ms(); }});
    }
}

// The rival has none.
void measure_copies(SideBySide& bench) {
    constexpr std::size_t kDimension = 768;
    for (const bool clustered : {false, true}) {
        const std::string what =
            fmt::format("100k x {}, float32 with copies, {}", kDimension, clustered ? "as texts lie" : "at random");
        const std::string search = fmt::format("search {}, k=8 (ms)", what);
        const std::string refined = fmt::format("rows read after their copies, {}, k=8 (share)", what);
        const std::string making = fmt::format("make copies, {} (ms)", what);
        if (!bench.wants(search) && !bench.wants(refined) && !bench.wants(making)) continue;
        const std::vector<float> rows =
            clustered ? clustered_units(kRows, kDimension) : random_units(kRows, kDimension);
        const std::vector<float> queries = clustered ? near_some(rows, kDimension) : random_units(kQueries, kDimension);
        Searches without(kDimension, rows, queries), with(kDimension, rows, queries);
        const double took = with.make_copies();
        bench.measure({.work = making,
                       .against = "one search without",
                       .compare = Compare::lower_is_better,
                       .at_least = {},
                       .repetitions = 1,
                       .ours = [&] { return took; },
                       .theirs = [&] { return without.search_ms(); }});
        bench.measure({.work = search,
                       .against = "the same without copies",
                       .compare = Compare::lower_is_better,
                       .at_least = 2,
                       .repetitions = 101,
                       .ours = [&] { return with.search_ms(); },
                       .theirs = [&] { return without.search_ms(); }});
        bench.measure({.work = refined,
                       .against = "all rows",
                       .compare = Compare::lower_is_better,
                       .at_least = {},
                       .repetitions = kQueries,
                       .ours =
                           [&] {
                               const std::size_t before = with.refined();
                               with.search_ms();
                               return static_cast<double>(with.refined() - before) / static_cast<double>(kRows);
                           },
                       .theirs = [] { return 1.0; }});
    }
}

void measure_growth(SideBySide& bench) {
    // Big pieces of memory come fresh from the system on both sides, as they would for the first index of a process.
    mallopt(M_MMAP_THRESHOLD, 1 << 20);

    constexpr std::size_t kDimension = 768;
    constexpr std::size_t kDistinct = 1024;  // stay in cache, so that only the writing is measured
    const std::string rate = "add 100k x 768 to an empty index (rows/s)";
    const std::string stall = "the slowest of these adds (us)";
    if (!bench.wants(rate) && !bench.wants(stall)) return;

    const std::vector<float> units = random_units(kDistinct, kDimension);
    const auto fill = [&](auto&& add) {
        double total = 0, slowest = 0;
        for (std::size_t i = 0; i < kRows; ++i) {
            const std::span<const float> unit = nth(units, kDimension, i % kDistinct);
            const double once = seconds([&] { add(static_cast<std::int64_t>(i), unit); });
            total += once;
            slowest = std::max(slowest, once);
        }
        return std::pair(static_cast<double>(kRows) / total, slowest / kMicrosecond);
    };
    const auto ours = [&] {
        FlatIndex index(kDimension);
        return fill([&](std::int64_t id, std::span<const float> unit) { index.upsert(id, unit); });
    };
    const auto theirs = [&] {
        std::vector<float> matrix;
        return fill(
            [&](std::int64_t, std::span<const float> unit) { matrix.insert(matrix.end(), unit.begin(), unit.end()); });
    };
    bench.measure({.work = rate,
                   .against = "appending to one std::vector, no ids",
                   .compare = Compare::higher_is_better,
                   .at_least = {},
                   .ours = [&] { return ours().first; },
                   .theirs = [&] { return theirs().first; }});
    bench.measure({.work = stall,
                   .against = "appending to one std::vector, no ids",
                   .compare = Compare::lower_is_better,
                   .at_least = {},
                   .ours = [&] { return ours().second; },
                   .theirs = [&] { return theirs().second; }});
}

void measure_all(SideBySide& bench) {
    const int cpu = allowed_cpus().back();
    const Pinned pinned(cpu);
    bench.note(fmt::format("One thread, pinned to CPU {}; {}.", cpu, hwy::TargetName(kernels::active_target())));
    measure_searches(bench);
    measure_copies(bench);
    measure_growth(bench);
}

}  // namespace
}  // namespace stele::bench

int main(int argc, char** argv) {
    return stele::bench::run(argc, argv, "Exact search of FlatIndex beside the pure read of its memory.",
                             stele::bench::measure_all);
}
