#include "index/search_estimates.hpp"

namespace stele {

std::optional<SearchEstimate> SearchEstimates::find(const std::string& filter, Clock::time_point now) const {
    MutexLock lock(mutex_);
    const auto found = entries_.find(filter);
    if (found == entries_.end() || now >= found->second.until) return std::nullopt;
    return found->second.estimate;
}

void SearchEstimates::keep(const std::string& filter, const SearchEstimate& estimate, Clock::time_point now) {
    MutexLock lock(mutex_);
    // all of them cost one sample again, which is less than to keep them in the order of their use
    if (entries_.size() >= kMost && !entries_.contains(filter)) entries_.clear();
    entries_[filter] = {estimate, now + kKept};
}

void SearchEstimates::clear() {
    MutexLock lock(mutex_);
    entries_.clear();
}

}  // namespace stele
