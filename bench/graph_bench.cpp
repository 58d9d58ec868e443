// Is a search that follows a graph as fast as hnswlib's own, and from how many rows on does it pay?
//
// 1,000,000 vectors of 384 floats (--quick: 100,000), clustered as embeddings of texts are (clustered.hpp says how).
// Half of the questions are a row with noise, a cosine of about 0.93, as a question in other words is; the others are
// drawn as the rows are, and like nothing much. Both sides have the same links and search as broadly as they must so
// that the best row is the first for 99 of 100 questions; what is best is found by a scan. hnswlib keeps a copy of the
// vectors and is compiled for this very machine. One thread.
//
// The other rows inform only: a search by graph beside one that looks at every row, and how long graphs take to make.

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "bare_hnswlib.hpp"
#include "clustered.hpp"
#include "side_by_side.hpp"
#include "vectors/flat_index.hpp"
#include "vectors/kernels.hpp"

namespace stele::bench {
namespace {

constexpr std::size_t kDimension = 384;
constexpr std::size_t kMatches = 8;
constexpr float kEveryScore = -2.0F;
constexpr double kRecall = 0.99;

volatile std::uint64_t sink;  // the compiler must not drop work whose result nobody looks at

class Vectors {
public:
    Vectors(std::size_t rows, std::size_t dimension) : dimension_(dimension), clustered_(dimension), rows_(rows) {
        floats_.reserve(rows * dimension);
        for (std::size_t i = 0; i < rows; ++i) {
            const std::vector<float> vector = clustered_.draw();
            floats_.insert(floats_.end(), vector.begin(), vector.end());
        }
        constexpr std::size_t kQuestions = 2000;
        const float noise = 0.4F / std::sqrt(static_cast<float>(dimension));
        for (std::size_t i = 0; i < kQuestions; ++i) {
            std::vector<float> question = clustered_.draw();
            if (i % 2 == 0) {
                const std::span<const float> like = row(random_() % rows);
                for (std::size_t j = 0; j < dimension; ++j) question[j] = like[j] + noise * normal_(random_);
                kernels::normalize(question);
            }
            questions_.push_back(std::move(question));
        }
    }
    std::size_t rows() const noexcept { return rows_; }
    std::span<const float> row(std::size_t i) const { return std::span(floats_).subspan(i * dimension_, dimension_); }
    const std::vector<std::vector<float>>& questions() const noexcept { return questions_; }
    const std::vector<float>& next() noexcept { return questions_[next_++ % questions_.size()]; }

    /// The best row of each question, of rows that lie in the order in which they were added.
    std::vector<std::size_t> best(const FlatIndex& index) const {
        std::vector<std::size_t> best(questions_.size());
        std::vector<float> most(questions_.size(), kEveryScore), scores;
        std::size_t first = 0;
        for (const std::span<const std::byte> block : index.memory()) {
            const std::size_t rows = block.size() / index.row_format().stride();
            scores.resize(rows);
            for (std::size_t q = 0; q < questions_.size(); ++q) {
                RowQuery(index.row_format(), questions_[q]).score(block.data(), nullptr, scores);
                const auto at = std::max_element(scores.begin(), scores.end());
                if (*at > most[q]) best[q] = first + static_cast<std::size_t>(at - scores.begin());
                most[q] = std::max(most[q], *at);
            }
            first += rows;
        }
        return best;
    }

private:
    std::size_t dimension_;
    Clustered clustered_;
    std::size_t rows_;
    std::vector<float> floats_;
    std::vector<std::vector<float>> questions_;
    std::mt19937 random_{7};
    std::normal_distribution<float> normal_;
    std::size_t next_ = 0;
};

std::size_t ask(const FlatIndex& index, const std::vector<float>& question) {
    return static_cast<std::size_t>(index.search(question, kMatches, kEveryScore).front().id);
}

/// The least breadth at which the best is found often enough, and how often that is.
template <class Ask, class SetBreadth>
std::pair<std::size_t, double> breadth_for_recall(const char* whose, const Vectors& vectors,
                                                  const std::vector<std::size_t>& best, const Ask& asked,
                                                  const SetBreadth& set_breadth) {
    double recall = 0;
    for (const std::size_t breadth :
         {8, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096}) {
        set_breadth(breadth);
        std::size_t found = 0;
        for (std::size_t i = 0; i < best.size(); ++i) found += asked(vectors.questions()[i]) == best[i] ? 1 : 0;
        recall = static_cast<double>(found) / static_cast<double>(best.size());
        if (recall >= kRecall) return {breadth, recall};
    }
    throw std::runtime_error(
        fmt::format("{}: breadth 4096 finds the best of {:.1f} % of the questions, too few", whose, 100 * recall));
}

std::unique_ptr<FlatIndex> filled(const Vectors& vectors, std::size_t dimension, bool graph) {
    GraphPlan plan{.wanted = graph};
    plan.shape.from_rows = vectors.rows();
    auto index = std::make_unique<FlatIndex>(dimension, VectorFormat::float32, plan);
    for (std::size_t i = 0; i < vectors.rows(); ++i) index->upsert(static_cast<std::int64_t>(i), vectors.row(i));
    return index;
}

void measure_beside_hnswlib(SideBySide& bench) {
    const std::size_t rows = bench.quick() ? 100'000 : 1'000'000;
    const std::string rate =
        fmt::format("searches by graph, {} x {} clustered, recall@1 {} (1/s)", rows, kDimension, kRecall);
    const std::string making = fmt::format("make the graph, {} x {} (s)", rows, kDimension);
    if (!bench.wants(rate) && !bench.wants(making)) return;
    Vectors vectors(rows, kDimension);
    const std::unique_ptr<FlatIndex> index = filled(vectors, kDimension, true);
    const double ours_took = seconds([&] { index->wait_for_graph(); });
    const GraphOptions shape;
    BareHnswlib bare(kDimension, rows, shape);
    const double theirs_took = seconds([&] {
        for (std::size_t i = 0; i < rows; ++i) bare.add(vectors.row(i), i);
    });
    bench.measure({.work = making,
                   .against = "bare hnswlib, one thread",
                   .compare = Compare::lower_is_better,
                   .at_least = {},
                   .repetitions = 1,
                   .ours = [&] { return ours_took; },
                   .theirs = [&] { return theirs_took; }});
    if (!bench.wants(rate)) return;
    const std::vector<std::size_t> best = vectors.best(*index);
    const auto ours = breadth_for_recall(
        "Stele", vectors, best, [&](const std::vector<float>& question) { return ask(*index, question); },
        [&](std::size_t breadth) { index->set_search_breadth(breadth); });
    const auto theirs = breadth_for_recall(
        "hnswlib", vectors, best, [&](const std::vector<float>& question) { return bare.best(question, kMatches); },
        [&](std::size_t breadth) { bare.set_breadth(breadth); });
    bench.note(fmt::format("Breadth {} finds the best of {:.1f} % of the questions; hnswlib's {} of {:.1f} %.",
                           ours.first, 100 * ours.second, theirs.first, 100 * theirs.second));
    const FlatIndex::Usage usage = index->usage();
    bench.note(fmt::format("The graph takes {:.0f} bytes a row, of which the vector takes {}.",
                           static_cast<double>(usage.graph_bytes) / static_cast<double>(rows),
                           index->row_format().stride()));
    const double spent = bench.quick() ? 0.3 : 1;
    bench.measure({.work = rate,
                   .against = "bare hnswlib, compiled for this machine",
                   .compare = Compare::higher_is_better,
                   .at_least = 0.9,
                   .repetitions = 31,
                   .ours = [&] { return per_second(spent, [&] { sink = ask(*index, vectors.next()); }); },
                   .theirs = [&] { return per_second(spent, [&] { sink = bare.best(vectors.next(), kMatches); }); }});
}

void measure_beside_flat(SideBySide& bench) {
    for (const std::size_t dimension : {384, 768}) {
        for (const std::size_t rows : {3'000, 10'000, 30'000}) {
            const std::string work = fmt::format("search by graph, {} x {} (ms)", rows, dimension);
            if (!bench.wants(work)) continue;
            Vectors vectors(rows, dimension);
            const std::unique_ptr<FlatIndex> graph = filled(vectors, dimension, true);
            const std::unique_ptr<FlatIndex> flat = filled(vectors, dimension, false);
            const double took = seconds([&] { graph->wait_for_graph(); });
            const auto ms = [&](const FlatIndex& index) {
                const std::vector<float>& question = vectors.next();
                return 1e3 * seconds([&] { sink = ask(index, question); });
            };
            bench.measure({.work = work,
                           .against = "looking at every row",
                           .compare = Compare::lower_is_better,
                           .at_least = {},
                           .repetitions = 201,
                           .ours = [&] { return ms(*graph); },
                           .theirs = [&] { return ms(*flat); }});
            bench.note(fmt::format("The graph of {} x {} took {:.1f} s.", rows, dimension, took));
        }
    }
}

}  // namespace
}  // namespace stele::bench

int main(int argc, char** argv) {
    return stele::bench::run(argc, argv,
                             "Searches that follow a graph, beside hnswlib and beside looking at every row.",
                             [](stele::bench::SideBySide& bench) {
                                 stele::bench::measure_beside_hnswlib(bench);
                                 stele::bench::measure_beside_flat(bench);
                             });
}
