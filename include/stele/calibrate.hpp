// From which similarity on two questions are the same: found from pairs of questions of which somebody said it.
//
//     std::vector<stele::QuestionPair> pairs = ...;
//     const stele::Calibration found = stele::calibrate(*embedder, pairs, {.min_precision = 0.98});
//     options.similarity_threshold = found.best.value().threshold;
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "stele/deadline.hpp"
#include "stele/embedder.hpp"
#include "stele/export.hpp"
#include "stele/guard.hpp"

namespace stele {
inline namespace v0 {

/// Two questions, and whether the answer to `stored` is right for who asks `asked`.
struct QuestionPair {
    std::string asked, stored;
    bool same = false;
};

/// What a threshold would do to the pairs: it serves those that are at least so similar.
struct CalibrationPoint {
    float threshold = 0;
    double precision = 1;    ///< of the pairs that are served those that are the same; 1: none is served
    double recall = 1;       ///< of the pairs that are the same those that are served
    double f1 = 0;           ///< harmonic mean of the two
    std::size_t right = 0;   ///< served, and the same
    std::size_t wrong = 0;   ///< served, and different
    std::size_t missed = 0;  ///< the same, and not served
};

/// What became of a pair.
struct CalibratedPair {
    /// Cosine as a get by meaning measures it. Nothing: the embedder cut one of the questions, so that the cache finds
    /// it by its wording only.
    std::optional<float> similarity{};
    bool same_wording = false;         ///< one question to the cache, which is found without any threshold
    std::string refused_by{};          ///< the guard that would not serve it; empty: none
    std::optional<Refusal> refusal{};  ///< why
};

enum class CalibrationTarget : std::uint8_t { f1, precision, recall };

struct CalibrateOptions {
    /// As SemanticCacheOptions::normalize and fold_case of the cache that the threshold is for.
    bool normalize = true, fold_case = true;
    /// The guards of that cache; see Calibration::guarded.
    std::vector<Guard> guards{};
    /// The thresholds to try, each -1 to 1. None: 0.50 to 0.99 in steps of 0.01.
    std::vector<float> grid{};
    /// What is to be as large as possible, among the thresholds that keep both minimums.
    CalibrationTarget target = CalibrationTarget::f1;
    double min_precision = 0, min_recall = 0;
    /// So many texts are embedded by a call of the embedder.
    std::size_t batch = 64;
    /// Called after each such call with how many of all texts are embedded. What it throws ends the calibration.
    std::function<void(std::size_t done, std::size_t all)> on_progress{};
    /// Of all calls of the embedder together; nothing: half a minute for each.
    std::optional<Deadline> deadline{};
};

struct Calibration {
    /// The first of the grid with the largest target, with the guards if there are any; nothing: none keeps the
    /// minimums.
    std::optional<CalibrationPoint> best{};
    std::vector<CalibrationPoint> curve{};  ///< a point for each threshold of the grid, in its order
    /// The same where the guards refuse what they refuse, so that one sees what they gain; empty without guards.
    std::vector<CalibrationPoint> guarded{};
    std::vector<CalibratedPair> pairs{};  ///< in the order in which they were given
    std::size_t texts = 0;                ///< different ones, each embedded once
};

/// Embeds the texts that a SemanticCache would embed (see normalized_query) and compares them as it does. The answer
/// holds whatever form the vectors have in memory, since what is found there is scored by its float32 vector; and for
/// this embedder alone.
///
/// Throws Error(invalid_argument) unless there are pairs of both kinds, for text that PostgreSQL cannot store, and for
/// options out of bounds; and what the embedder throws.
STELE_API Calibration calibrate(Embedder& embedder, std::span<const QuestionPair> pairs,
                                const CalibrateOptions& options = {});

}  // namespace v0
}  // namespace stele
