// What was learnt of filters, kept for a while: how much they leave, and which way that makes a search take.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "base/mutex.hpp"

namespace stele {

struct SearchEstimate {
    double rows = 0;   ///< of the table
    double share = 1;  ///< of them that the filter leaves
    bool exact = true;
    int breadth = 0;
};

/// By the filter with its values, not by its shape: one language has a tenth of the rows, another none. Thread-safe.
class SearchEstimates {
public:
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::seconds kKept{60};
    static constexpr std::size_t kMost = 1000;

    std::optional<SearchEstimate> find(const std::string& filter, Clock::time_point now) const;
    void keep(const std::string& filter, const SearchEstimate& estimate, Clock::time_point now);
    void clear();

private:
    struct Entry {
        SearchEstimate estimate;
        Clock::time_point until;
    };
    mutable Mutex mutex_;
    std::map<std::string, Entry> entries_ STELE_GUARDED_BY(mutex_);
};

}  // namespace stele
