// What was read from the database, kept in the process: each value is loaded once for all who ask for it at the same
// time, and is not kept when it may have changed meanwhile.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/reader_mutex.hpp"
#include "base/result.hpp"
#include "base/sharded.hpp"
#include "base/shared_load.hpp"
#include "stele/deadline.hpp"

namespace stele {

/// A bounded cache of shared values by text keys. Absent values (null: "the database has none") are kept like others,
/// errors never. Thread-safe; no lock is held while a value is loaded or destroyed.
///
/// Who has to go when it is full is decided by second chance (Corbato, "A Paging Experiment with the Multics System",
/// 1968): in the order in which they came, except that those used since they were last looked at go to the end of the
/// queue. That comes close to least recently used, and a hit changes nothing that is shared. No more than kChances are
/// given in a row, so that a full cache of values in use does not stop everybody for long. The limit is exact.
template <class Value>
class LoadingCache {
public:
    using Pointer = std::shared_ptr<const Value>;
    using Clock = Deadline::Clock;

    struct Options {
        std::size_t limit = 1;  ///< of values; with 0 nothing is kept, but loads are still shared
        /// Of what keys, values and their places in here occupy; a value that needs more alone is not kept.
        std::size_t limit_bytes = std::numeric_limits<std::size_t>::max();
        std::function<std::size_t(const Value&)> bytes{};  ///< of a value; none: only the rest is counted
        bool keep_absent = true;
        /// How long after its load began a value is served; with 0 nothing is kept, Clock::duration::max() is for ever.
        Clock::duration ttl = std::chrono::minutes(10);
        std::function<Clock::time_point()> now = Clock::now;  ///< for the ttl only; must not go back, nor throw
    };
    struct Counts {
        std::uint64_t hits = 0;    ///< calls that found a value
        std::uint64_t misses = 0;  ///< calls of get() that did not
        std::uint64_t loads = 0;   ///< loads that these have begun: the other misses waited for one
        std::size_t entries = 0;   ///< values kept now, those that are too old to be served included
        std::size_t bytes = 0;     ///< that these occupy
    };

    static constexpr std::size_t kChances = 128;

    /// Throws Error(invalid_argument) for a negative ttl.
    explicit LoadingCache(Options options) : options_(std::move(options)) {
        if (options_.ttl < Clock::duration::zero()) {
            raise(ErrorCode::invalid_argument, "the time that values are kept must not be negative");
        }
    }
    LoadingCache(const LoadingCache&) = delete;
    LoadingCache& operator=(const LoadingCache&) = delete;

    /// The kept value, or that of load() (a Pointer), which runs on this thread unless another caller is loading this
    /// key already; then that one's result is waited for until the deadline, which only bounds this wait: a load knows
    /// its own. Throws what load() throws, to all who wait for it; who has more time or was not cancelled loads itself
    /// when that was all that failed. Error(deadline_exceeded) when the wait took too long.
    /// load() must not ask for the same key: Error(internal).
    template <class Load>
    Pointer get(std::string_view key, Deadline deadline, Load&& load) STELE_EXCLUDES(mutex_) {
        for (bool first = true;; first = false) {
            if (std::optional<Pointer> kept = peek(key)) return *std::move(kept);
            if (first) misses_.add(1);
            auto [shared, mine] = join(key, deadline);
            if (shared == nullptr) continue;  // it came between the look and this
            if (mine) return run(key, *shared, load);
            if (std::optional<Pointer> loaded = shared->wait(key, deadline)) return *std::move(loaded);
        }
    }

    /// What get() would return at once: nothing if it would load or wait.
    std::optional<Pointer> peek(std::string_view key) const STELE_EXCLUDES(mutex_) {
        const Clock::time_point now = options_.now();
        const ReadLock lock(mutex_);
        const auto found = entries_.find(key);
        if (found == entries_.end() || too_old(*found->second, now)) return std::nullopt;
        const Entry& entry = *found->second;
        if (!entry.used.load(std::memory_order_relaxed)) entry.used.store(true, std::memory_order_relaxed);
        hits_.add(1);
        return entry.share(lock.shard());
    }

    /// Whoever asks after this gets what a load that began after it has found. A load under way still answers those who
    /// asked before, and is then forgotten.
    void invalidate(std::string_view key) STELE_EXCLUDES(mutex_) {
        Queue dropped;
        {
            // most of what is changed is not kept: readers need not make way for that
            const ReadLock lock(mutex_);
            if (!entries_.contains(key) && !loads_.contains(key)) return;
        }
        const WriteLock lock(mutex_);
        if (const auto load = loads_.find(key); load != loads_.end()) loads_.erase(load);
        drop(key, dropped);
    }
    void invalidate_all() STELE_EXCLUDES(mutex_) {
        Queue dropped;
        Loads forgotten;
        const WriteLock lock(mutex_);
        loads_.swap(forgotten);
        entries_.clear();
        queue_.swap(dropped);
        bytes_ = 0;
    }

    /// The numbers may be of slightly different moments.
    Counts counts() const STELE_EXCLUDES(mutex_) {
        const ReadLock lock(mutex_);
        return {hits_.value(), misses_.value(), load_count_.value(), entries_.size(), bytes_};
    }

private:
    struct Entry {
        Entry(std::string_view name, Pointer loaded, std::size_t size, Clock::time_point since)
            : key(name), value(std::move(loaded)), bytes(size), began(since) {}

        /// Threads of different shards count their references in different places.
        Pointer share(std::size_t shard) const {
            if (value == nullptr) return nullptr;
            Pointer& copy = copies[shard];
            if (copy == nullptr) {
                copy = Pointer(std::make_shared<Owner>(Owner{value}), value.get());
            }
            return copy;
        }

        struct alignas(64) Owner {
            Pointer value;
        };
        const std::string key;
        const Pointer value;
        const std::size_t bytes;
        const Clock::time_point began;
        mutable std::atomic<bool> used{false};
        mutable std::array<Pointer, kShards> copies;  // each for the readers of its shard, who exclude each other
    };
    struct Hash {
        using is_transparent = void;  // NOLINT(readability-identifier-naming): as the library calls it
        std::size_t operator()(std::string_view key) const noexcept { return std::hash<std::string_view>{}(key); }
    };
    using Queue = std::list<Entry>;
    using Shared = std::shared_ptr<SharedLoad<Value>>;
    using Loads = std::unordered_map<std::string, Shared, Hash, std::equal_to<>>;

    std::size_t bytes_of(std::string_view key, const Pointer& value) const {
        constexpr std::size_t kPlace = sizeof(Entry) + sizeof(void*) * 8;  // in list and table
        return kPlace + key.size() + (value != nullptr && options_.bytes ? options_.bytes(*value) : 0);
    }
    bool too_old(const Entry& entry, Clock::time_point now) const { return now - entry.began >= options_.ttl; }

    /// The load to wait for, or a new one for the caller to run (true); null if there is a value now.
    std::pair<Shared, bool> join(std::string_view key, Deadline deadline) STELE_EXCLUDES(mutex_) {
        const Clock::time_point now = options_.now();
        Queue dropped;
        const WriteLock lock(mutex_);
        if (const auto kept = entries_.find(key); kept != entries_.end()) {
            if (!too_old(*kept->second, now)) return {nullptr, false};
            drop(key, dropped);
        }
        if (const auto load = loads_.find(key); load != loads_.end()) return {load->second, false};
        auto load = std::make_shared<SharedLoad<Value>>(deadline);
        loads_.emplace(key, load);
        return {std::move(load), true};
    }

    template <class Load>
    Pointer run(std::string_view key, SharedLoad<Value>& shared, Load& load) STELE_EXCLUDES(mutex_) {
        load_count_.add(1);
        try {
            const Clock::time_point began = options_.now();
            Pointer value = load();
            keep(key, shared, value, began);
            shared.succeed(value);
            return value;
        } catch (...) {
            forget(key, shared);
            shared.fail();
            throw;
        }
    }

    /// Unless it was invalidated: then the key's load, if there is any, is another one.
    void keep(std::string_view key, const SharedLoad<Value>& shared, const Pointer& value, Clock::time_point began)
        STELE_EXCLUDES(mutex_) {
        Queue loaded, dropped;
        const std::size_t bytes = bytes_of(key, value);
        loaded.emplace_back(key, value, bytes, began);
        const Clock::time_point now = options_.now();
        const WriteLock lock(mutex_);
        const auto load = loads_.find(key);
        if (load == loads_.end() || load->second.get() != &shared) return;
        loads_.erase(load);
        if (options_.limit == 0 || bytes > options_.limit_bytes || too_old(loaded.front(), now)) return;
        if (value == nullptr && !options_.keep_absent) return;
        while (!queue_.empty() && (queue_.size() >= options_.limit || bytes_ + bytes > options_.limit_bytes)) {
            drop(next_to_go(now), dropped);
        }
        entries_.emplace(loaded.front().key, loaded.begin());
        bytes_ += bytes;
        queue_.splice(queue_.end(), loaded);
    }

    void forget(std::string_view key, const SharedLoad<Value>& shared) STELE_EXCLUDES(mutex_) {
        const WriteLock lock(mutex_);
        const auto load = loads_.find(key);
        if (load != loads_.end() && load->second.get() == &shared) loads_.erase(load);
    }

    std::string_view next_to_go(Clock::time_point now) STELE_REQUIRES(mutex_) {
        for (std::size_t chance = 0; chance < kChances; ++chance) {
            const Entry& oldest = queue_.front();
            if (!oldest.used.exchange(false, std::memory_order_relaxed) || too_old(oldest, now)) break;
            queue_.splice(queue_.end(), queue_, queue_.begin());
        }
        return queue_.front().key;
    }

    /// Into `dropped`, to be destroyed without the lock.
    void drop(std::string_view key, Queue& dropped) STELE_REQUIRES(mutex_) {
        const auto found = entries_.find(key);
        if (found == entries_.end()) return;
        const auto entry = found->second;
        entries_.erase(found);  // its key is in the entry
        bytes_ -= entry->bytes;
        dropped.splice(dropped.end(), queue_, entry);
    }

    const Options options_;
    mutable ShardedCounter hits_;
    ShardedCounter misses_, load_count_;
    mutable ReaderMutex mutex_;
    // A key has an entry, or a load, or neither.
    std::unordered_map<std::string_view, typename Queue::iterator, Hash, std::equal_to<>> entries_
        STELE_GUARDED_BY(mutex_);
    Queue queue_ STELE_GUARDED_BY(mutex_);  // the next to go is in front
    std::size_t bytes_ STELE_GUARDED_BY(mutex_) = 0;
    Loads loads_ STELE_GUARDED_BY(mutex_);
};

}  // namespace stele
