#include "index/index_recall.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/result.hpp"

namespace stele {
namespace {

using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point begin) {
    return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

// One of the same distance as the last is as good, so it is the score that counts.
double part_found(const std::vector<NearestMatch>& exact, const std::vector<NearestMatch>& found) {
    if (exact.empty()) return 1;
    constexpr double kRounding = 1e-6;
    const double last = *exact.back().match.score - kRounding;
    const auto good =
        std::count_if(found.begin(), found.end(), [last](const NearestMatch& one) { return *one.match.score >= last; });
    return static_cast<double>(good) / static_cast<double>(exact.size());
}

}  // namespace

RecallCheck check_recall(IndexStore& store, const VectorIndexOptions& options, const RecallCheckOptions& recall,
                         Deadline deadline) {
    constexpr std::size_t kMost = 10'000;
    if (recall.queries < 1 || recall.queries > kMost || recall.limit < 1 || recall.limit > kMost) {
        raise(ErrorCode::invalid_argument,
              fmt::format("queries and limit must be 1 to {}, and are {} and {}", kMost, recall.queries, recall.limit));
    }
    const VectorFrame frame{0, options.fingerprint};
    RecallCheck check;
    for (const std::vector<float>& vector : store.sample(recall.queries, deadline)) {
        NearestQuery query{frame, vector, recall.where, recall.limit, std::nullopt, false, true};
        auto begin = Clock::now();
        const NearestAnswer exact = store.nearest(query, deadline);
        check.exact_ms += milliseconds_since(begin);
        query.exact = false;
        begin = Clock::now();
        const NearestAnswer found = store.nearest(query, deadline);
        check.search_ms += milliseconds_since(begin);
        if (!found.exact) ++check.approximate;
        const double part = part_found(exact.matches, found.matches);
        check.recall += part;
        check.worst = std::min(check.worst, part);
        ++check.queries;
    }
    if (check.queries == 0) {
        check.recall = 1;
        return check;
    }
    const auto count = static_cast<double>(check.queries);
    check.recall /= count;
    check.exact_ms /= count;
    check.search_ms /= count;
    return check;
}

}  // namespace stele
