// Waiting for a change of one question's entry.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "base/mutex.hpp"
#include "stele/deadline.hpp"

namespace stele {

/// Thread-safe. While nobody waits, a change costs one comparison.
class Watches {
public:
    using Key = std::pair<std::string, std::string>;  // namespace and hash

    /// Sees every change from its making on.
    class Watch {
    public:
        Watch(Watches& all, Key key) : all_(all), key_(std::move(key)) {
            MutexLock lock(all_.mutex_);
            ++all_.watched_[key_].watches;
            ++all_.any_;
        }
        Watch(const Watch&) = delete;
        Watch& operator=(const Watch&) = delete;
        ~Watch() {
            MutexLock lock(all_.mutex_);
            const auto found = all_.watched_.find(key_);
            if (--found->second.watches == 0) all_.watched_.erase(found);
            --all_.any_;
        }
        /// Until a change that no call before has seen, or the deadline. Says whether there was one.
        bool wait(Deadline deadline) {
            MutexLock lock(all_.mutex_);
            const std::uint64_t& changes = all_.watched_.at(key_).changes;
            while (changes == seen_) {
                if (deadline.is_never()) {
                    all_.change_.wait(all_.mutex_);
                } else if (all_.change_.wait_until(all_.mutex_, deadline.point()) == std::cv_status::timeout) {
                    break;
                }
            }
            return std::exchange(seen_, changes) != changes;
        }

    private:
        Watches& all_;
        const Key key_;
        std::uint64_t seen_ = 0;
    };

    void changed(const std::string& name_space, const std::string& hash) noexcept STELE_EXCLUDES(mutex_) {
        if (any_ == 0) return;
        MutexLock lock(mutex_);
        for (auto& [key, watched] : watched_) {
            if (key.first == name_space && key.second == hash) ++watched.changes;
        }
        change_.notify_all();
    }
    void all_changed() noexcept STELE_EXCLUDES(mutex_) {
        if (any_ == 0) return;
        MutexLock lock(mutex_);
        for (auto& [key, watched] : watched_) ++watched.changes;
        change_.notify_all();
    }

private:
    struct Watched {
        std::size_t watches = 0;
        std::uint64_t changes = 0;
    };
    std::atomic<std::size_t> any_{0};
    Mutex mutex_;
    Condition change_;
    std::map<Key, Watched> watched_ STELE_GUARDED_BY(mutex_);
};

}  // namespace stele
