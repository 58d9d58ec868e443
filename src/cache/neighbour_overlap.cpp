#include "cache/neighbour_overlap.hpp"

#include <algorithm>

#include "vectors/flat_index.hpp"

namespace stele {
namespace {

constexpr std::size_t kNearest = 10;

void fill(FlatIndex& index, const std::vector<std::vector<float>>& vectors) {
    for (std::size_t i = 0; i < vectors.size(); ++i) index.upsert(static_cast<std::int64_t>(i), vectors[i]);
}

std::vector<std::int64_t> nearest(const FlatIndex& index, const std::vector<float>& unit, std::size_t self) {
    constexpr float kAnything = -2;
    std::vector<std::int64_t> ids;
    for (const Match& match : index.search(unit, kNearest + 1, kAnything)) {
        if (match.id != static_cast<std::int64_t>(self) && ids.size() < kNearest) ids.push_back(match.id);
    }
    return ids;
}

}  // namespace

NeighbourOverlap neighbour_overlap(const std::vector<std::vector<float>>& before,
                                   const std::vector<std::vector<float>>& after) {
    NeighbourOverlap overlap;
    if (before.size() < 2) return overlap;
    overlap.sample = before.size();
    FlatIndex one(before.front().size()), other(after.front().size());
    fill(one, before);
    fill(other, after);
    std::size_t same_first = 0, same = 0, all = 0;
    for (std::size_t i = 0; i < before.size(); ++i) {
        const auto ids = nearest(one, before[i], i), others = nearest(other, after[i], i);
        same_first += ids.front() == others.front() ? 1 : 0;
        for (const std::int64_t id : ids) same += std::find(others.begin(), others.end(), id) != others.end() ? 1 : 0;
        all += ids.size();
    }
    overlap.nearest = static_cast<double>(same_first) / static_cast<double>(before.size());
    overlap.nearest_ten = static_cast<double>(same) / static_cast<double>(all);
    return overlap;
}

}  // namespace stele
