// Tells a hook what happens, whoever throws.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.hpp"
#include "cache/cache_store.hpp"
#include "stele/cache_event.hpp"

namespace stele {

/// Thread-safe; holds no lock while the hook runs. Where nobody listens, telling is one comparison.
class CacheEvents {
public:
    explicit CacheEvents(CacheEventHook hook) { set(std::move(hook)); }

    void set(CacheEventHook hook) STELE_EXCLUDES(mutex_);
    bool heard() const noexcept { return heard_; }
    /// What the hook throws is logged by way of the store.
    void tell(const CacheEvent& event, const CacheStore& store) const STELE_EXCLUDES(mutex_);
    void tell(const std::vector<CacheGone>& gone, const CacheStore& store) const;

private:
    mutable Mutex mutex_;
    std::shared_ptr<const CacheEventHook> hook_ STELE_GUARDED_BY(mutex_);
    std::atomic<bool> heard_{false};
};

}  // namespace stele
