#include "vectors/mmr.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/result.hpp"
#include "vectors/aligned.hpp"
#include "vectors/kernels.hpp"

namespace stele {
namespace {

// Sums of a thousand products of floats differ by less from one instruction set to another.
constexpr double kTie = 1e-6;
constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

/// Writes the vector at unit length, padded; zeros if it has no direction.
void place(std::span<const float> vector, std::span<float> row) {
    const auto used = row.first(vector.size());
    std::copy(vector.begin(), vector.end(), used.begin());
    std::fill(row.begin() + static_cast<std::ptrdiff_t>(vector.size()), row.end(), 0.0F);
    if (!kernels::normalize(used)) std::fill(used.begin(), used.end(), 0.0F);
}

/// The best of those that are left: the highest score, of ties the highest relevance, of ties the first.
std::size_t best_of(const std::vector<double>& scores, const AlignedVector<float>& relevance,
                    const std::vector<bool>& taken) {
    double highest = -std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < scores.size(); ++i) {
        if (!taken[i]) highest = std::max(highest, scores[i]);
    }
    const auto ties = [&](std::size_t i) { return !taken[i] && scores[i] >= highest - kTie; };
    double most_relevant = -std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < scores.size(); ++i) {
        if (ties(i)) most_relevant = std::max(most_relevant, double{relevance[i]});
    }
    for (std::size_t i = 0; i < scores.size(); ++i) {
        if (ties(i) && double{relevance[i]} >= most_relevant - kTie) return i;
    }
    return kNone;
}

}  // namespace

std::vector<std::size_t> mmr_order(std::span<const float> query, std::span<const std::vector<float>> candidates,
                                   std::size_t limit, double lambda) {
    if (!(lambda >= 0 && lambda <= 1)) {
        raise(ErrorCode::invalid_argument, fmt::format("lambda is {}; it must be between 0 and 1", lambda));
    }
    const std::size_t stride = kernels::padded(query.size());
    const std::size_t count = candidates.size();
    AlignedVector<float> rows(count * stride), unit_query(stride), relevance(count), similarity(count);
    place(query, unit_query);
    for (std::size_t i = 0; i < count; ++i) {
        if (candidates[i].size() != query.size()) {
            raise(ErrorCode::dimension_mismatch,
                  fmt::format("candidate {} has {} elements, the query {}", i, candidates[i].size(), query.size()));
        }
        place(candidates[i], std::span(rows).subspan(i * stride, stride));
    }
    if (stride > 0) {
        kernels::dot_rows(rows.data(), unit_query, relevance);
    } else {
        std::fill(relevance.begin(), relevance.end(), 0.0F);
    }

    std::vector<double> scores(relevance.begin(), relevance.end());
    std::vector<double> closest(count, -std::numeric_limits<double>::infinity());
    std::vector<bool> taken(count);
    std::vector<std::size_t> order;
    while (order.size() < std::min(limit, count)) {
        const std::size_t best = best_of(scores, relevance, taken);
        if (best == kNone) break;
        taken[best] = true;
        order.push_back(best);
        if (stride > 0) kernels::dot_rows(rows.data(), std::span(rows).subspan(best * stride, stride), similarity);
        for (std::size_t i = 0; i < count; ++i) {
            if (taken[i]) continue;
            closest[i] = std::max(closest[i], double{similarity[i]});
            scores[i] = lambda * double{relevance[i]} - (1 - lambda) * closest[i];
        }
    }
    return order;
}

}  // namespace stele
