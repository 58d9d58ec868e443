#include "stele/calibrate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <string_view>

#include "base/result.hpp"
#include "cache/cache_checks.hpp"
#include "cache/entry_vector.hpp"
#include "cache/guard_chain.hpp"
#include "cache/question_key.hpp"

namespace stele {
inline namespace v0 {

namespace {

/// The vector by which the cache would find a text; empty: it would not.
using Vectors = std::map<std::string, std::vector<float>>;

constexpr std::chrono::seconds kPatience{30};  // with one call of an embedder

void check(std::span<const QuestionPair> pairs, const CalibrateOptions& options) {
    const auto same = static_cast<std::size_t>(
        std::count_if(pairs.begin(), pairs.end(), [](const QuestionPair& pair) { return pair.same; }));
    if (same == 0 || same == pairs.size()) {
        raise(ErrorCode::invalid_argument,
              fmt::format("a threshold is found between pairs that are the same and pairs that differ; there are {} of "
                          "the first and {} of the second kind",
                          same, pairs.size() - same));
    }
    for (const float threshold : options.grid) check_threshold(threshold);
    for (const double least : {options.min_precision, options.min_recall}) {
        if (!(least >= 0 && least <= 1)) {
            raise(ErrorCode::invalid_argument,
                  fmt::format("min_precision and min_recall are within 0 and 1, not {}", least));
        }
    }
    if (options.batch == 0) raise(ErrorCode::invalid_argument, "a batch has at least one text");
}

std::vector<float> usual_grid() {
    constexpr int kFirst = 50, kLast = 99;
    std::vector<float> grid;
    for (int percent = kFirst; percent <= kLast; ++percent) grid.push_back(static_cast<float>(percent) / 100);
    return grid;
}

void embed(Embedder& embedder, const CalibrateOptions& options, Vectors& vectors) {
    std::vector<Vectors::value_type*> missing;
    for (Vectors::value_type& each : vectors) missing.push_back(&each);
    for (std::size_t at = 0; at < missing.size(); at += options.batch) {
        const std::size_t count = std::min(options.batch, missing.size() - at);
        std::vector<std::string_view> texts;
        for (std::size_t i = 0; i < count; ++i) texts.emplace_back(missing[at + i]->first);
        std::vector<Embedding> made = embedder.embed(texts, options.deadline.value_or(Deadline::after(kPatience)));
        for (std::size_t i = 0; i < count; ++i) {
            if (made.at(i).truncated) continue;
            missing[at + i]->second = checked_vector(std::move(made[i].vector), embedder.dimension());
        }
        if (options.on_progress) options.on_progress(at + count, missing.size());
    }
}

std::optional<float> cosine(const std::vector<float>& a, const std::vector<float>& b) {
    if (a.empty() || b.empty()) return std::nullopt;
    return std::clamp(std::inner_product(a.begin(), a.end(), b.begin(), 0.0f), -1.0f, 1.0f);
}

/// Whether a cache with this threshold serves the stored question's answer.
bool serves(const CalibratedPair& pair, float threshold, bool guarded) {
    if (pair.same_wording) return true;
    return pair.similarity && *pair.similarity >= threshold && !(guarded && pair.refusal);
}

double part(std::size_t count, std::size_t all) {
    return all == 0 ? 1.0 : static_cast<double>(count) / static_cast<double>(all);
}

CalibrationPoint point_at(float threshold, std::span<const QuestionPair> pairs,
                          const std::vector<CalibratedPair>& found, bool guarded) {
    CalibrationPoint point{.threshold = threshold};
    for (std::size_t i = 0; i < pairs.size(); ++i) {
        const bool served = serves(found[i], threshold, guarded);
        point.right += served && pairs[i].same ? 1 : 0;
        point.wrong += served && !pairs[i].same ? 1 : 0;
        point.missed += !served && pairs[i].same ? 1 : 0;
    }
    point.precision = part(point.right, point.right + point.wrong);
    point.recall = part(point.right, point.right + point.missed);
    const double both = point.precision + point.recall;
    point.f1 = both == 0 ? 0 : 2 * point.precision * point.recall / both;
    return point;
}

std::optional<CalibrationPoint> best_of(const std::vector<CalibrationPoint>& curve, const CalibrateOptions& options) {
    const auto target = [&options](const CalibrationPoint& point) {
        switch (options.target) {
            case CalibrationTarget::f1: return point.f1;
            case CalibrationTarget::precision: return point.precision;
            case CalibrationTarget::recall: return point.recall;
        }
        return 0.0;
    };
    std::optional<CalibrationPoint> best;
    for (const CalibrationPoint& point : curve) {
        if (point.precision < options.min_precision || point.recall < options.min_recall) continue;
        if (!best || target(point) > target(*best)) best = point;
    }
    return best;
}

}  // namespace

Calibration calibrate(Embedder& embedder, std::span<const QuestionPair> pairs, const CalibrateOptions& options) {
    check(pairs, options);
    SemanticCacheOptions cache;
    cache.normalize = options.normalize;
    cache.fold_case = options.fold_case;
    cache.guards = options.guards;
    cache.validator = {};   // there are no answers here
    cache.confidence = {};  // nor ages
    check_guards(cache);
    const GuardChain guards(cache, [](const std::string&) {});

    const auto key_of = [&options](const std::string& question) {
        return question_key(question, options.normalize, options.fold_case);
    };
    Vectors vectors;
    for (const QuestionPair& pair : pairs) {
        vectors.try_emplace(key_of(pair.asked));
        vectors.try_emplace(key_of(pair.stored));
    }
    embed(embedder, options, vectors);

    Calibration calibration;
    calibration.texts = vectors.size();
    for (const QuestionPair& pair : pairs) {
        const std::string asked = key_of(pair.asked);
        const std::string stored = key_of(pair.stored);
        CalibratedPair found{.similarity = cosine(vectors.at(asked), vectors.at(stored)),
                             .same_wording = asked == stored};
        if (found.similarity && !found.same_wording) {
            Hit candidate{.query = pair.stored, .similarity = *found.similarity, .layer = HitLayer::semantic};
            if (auto verdict = guards.judge(pair.asked, asked, candidate)) {
                found.refused_by = std::move(verdict->by);
                found.refusal = std::move(verdict->refusal);
            }
        }
        calibration.pairs.push_back(std::move(found));
    }
    for (const float threshold : options.grid.empty() ? usual_grid() : options.grid) {
        calibration.curve.push_back(point_at(threshold, pairs, calibration.pairs, false));
        if (options.guards.empty()) continue;
        calibration.guarded.push_back(point_at(threshold, pairs, calibration.pairs, true));
    }
    calibration.best = best_of(options.guards.empty() ? calibration.curve : calibration.guarded, options);
    return calibration;
}

}  // namespace v0
}  // namespace stele
