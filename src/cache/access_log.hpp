// Which entries were answered, between two visits to the database.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/boot_clock.hpp"
#include "base/mutex.hpp"
#include "base/sharded.hpp"

namespace stele {

/// Thread-safe. Merged by entry, so that it holds no more than the entries that were answered.
class AccessLog {
public:
    static constexpr std::chrono::seconds kInterval{1};
    static constexpr std::size_t kMost = 10'000;  ///< entries at once

    /// True: it is time that somebody takes them.
    bool note(std::int64_t id, BootClock::time_point now) {
        Shard& shard = shards_[my_shard()];
        std::size_t held = 0;
        {
            MutexLock lock(shard.mutex);
            Access& access = shard.accesses[id];
            ++access.times;
            access.last = now;
            held = shard.accesses.size();
        }
        const std::int64_t at = now.time_since_epoch().count();
        std::int64_t due = due_.load(std::memory_order_relaxed);
        if (at < due && held < kMost / kShards) return false;
        // the first one goes
        return due_.compare_exchange_strong(due, at + std::chrono::nanoseconds(kInterval).count());
    }

    /// Parallel arrays for the database.
    struct Batch {
        std::vector<std::int64_t> ids, times, seconds_ago;
        bool empty() const noexcept { return ids.empty(); }
    };
    Batch take(BootClock::time_point now) {
        std::unordered_map<std::int64_t, Access> all;
        for (Shard& shard : shards_) {
            std::unordered_map<std::int64_t, Access> some;
            {
                MutexLock lock(shard.mutex);
                some.swap(shard.accesses);
            }
            for (const auto& [id, access] : some) {
                Access& sum = all[id];
                sum.times += access.times;
                sum.last = std::max(sum.last, access.last);
            }
        }
        Batch batch;
        for (const auto& [id, access] : all) {
            batch.ids.push_back(id);
            batch.times.push_back(access.times);
            const auto ago = std::chrono::floor<std::chrono::seconds>(now - access.last).count();
            batch.seconds_ago.push_back(std::max<std::int64_t>(ago, 0));
        }
        return batch;
    }

private:
    struct Access {
        std::int64_t times = 0;
        BootClock::time_point last{};
    };
    struct alignas(64) Shard {
        Mutex mutex;
        std::unordered_map<std::int64_t, Access> accesses STELE_GUARDED_BY(mutex);
    };
    std::array<Shard, kShards> shards_;
    std::atomic<std::int64_t> due_{0};
};

}  // namespace stele
