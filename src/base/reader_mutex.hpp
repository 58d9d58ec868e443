// A mutex for what many threads read all the time and few change.
#pragma once

#include <array>
#include <cstddef>

#include "base/mutex.hpp"
#include "base/sharded.hpp"

namespace stele {

/// A reader takes the lock of its own shard only (my_shard()), so that readers on different cores share no cache line;
/// a writer takes them all, in order. Readers of one shard exclude each other: what is kept per shard may be written by
/// its readers.
class STELE_ATTRIBUTE(capability("mutex")) ReaderMutex {
public:
    void lock() STELE_ATTRIBUTE(acquire_capability()) {
        for (Shard& shard : shards_) shard.mutex.lock();
    }
    void unlock() STELE_ATTRIBUTE(release_capability()) {
        for (Shard& shard : shards_) shard.mutex.unlock();
    }
    /// Which shard was locked: to be unlocked by the same thread, and an index for what is kept per shard.
    std::size_t lock_shared() STELE_ATTRIBUTE(acquire_shared_capability()) {
        const std::size_t shard = my_shard();
        shards_[shard].mutex.lock();
        return shard;
    }
    void unlock_shared(std::size_t shard) STELE_ATTRIBUTE(release_shared_capability()) {
        shards_[shard].mutex.unlock();
    }

private:
    struct alignas(64) Shard {
        std::mutex mutex;
    };
    std::array<Shard, kShards> shards_;
};

class STELE_ATTRIBUTE(scoped_lockable) ReadLock {
public:
    explicit ReadLock(ReaderMutex& mutex) STELE_ATTRIBUTE(acquire_shared_capability(mutex))
        : mutex_(mutex), shard_(mutex.lock_shared()) {}
    ~ReadLock() STELE_ATTRIBUTE(release_capability()) { mutex_.unlock_shared(shard_); }
    ReadLock(const ReadLock&) = delete;
    ReadLock& operator=(const ReadLock&) = delete;

    std::size_t shard() const noexcept { return shard_; }

private:
    ReaderMutex& mutex_;
    const std::size_t shard_;
};

class STELE_ATTRIBUTE(scoped_lockable) WriteLock {
public:
    explicit WriteLock(ReaderMutex& mutex) STELE_ATTRIBUTE(acquire_capability(mutex)) : mutex_(mutex) { mutex_.lock(); }
    ~WriteLock() STELE_ATTRIBUTE(release_capability()) { mutex_.unlock(); }
    WriteLock(const WriteLock&) = delete;
    WriteLock& operator=(const WriteLock&) = delete;

private:
    ReaderMutex& mutex_;
};

}  // namespace stele
