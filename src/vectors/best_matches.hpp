// What a search found so far.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "vectors/row_block.hpp"

namespace stele {

struct Match {
    std::int64_t id;
    float score;  ///< dot product with the query: the cosine, as both are of unit length
    RowNote note{};
    friend bool operator==(const Match&, const Match&) = default;
};

/// The k best of the matches offered, as a heap with the worst of them on top. Not synchronised.
class BestMatches {
public:
    BestMatches(std::size_t k, float min_score) : k_(k), floor_(min_score) { heap_.reserve(k); }

    /// No score below it can enter. A NaN never does.
    float floor() const noexcept { return floor_; }

    void offer(const Match& match) {
        if (heap_.size() == k_) {
            if (!better(match, heap_.front())) return;
            std::pop_heap(heap_.begin(), heap_.end(), better);
            heap_.back() = match;
        } else {
            heap_.push_back(match);
        }
        std::push_heap(heap_.begin(), heap_.end(), better);
        if (heap_.size() == k_) floor_ = std::max(floor_, heap_.front().score);
    }

    /// Best first; equal scores by lower id.
    std::vector<Match> take() && {
        std::sort_heap(heap_.begin(), heap_.end(), better);
        return std::move(heap_);
    }

private:
    static bool better(const Match& a, const Match& b) {
        return a.score > b.score || (a.score == b.score && a.id < b.id);
    }

    std::size_t k_;
    float floor_;
    std::vector<Match> heap_;
};

}  // namespace stele
