// Connections for many threads: performs what the PoolMachine says.
#pragma once

#include <atomic>
#include <cstddef>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "base/mutex.hpp"
#include "postgres/pool_machine.hpp"
#include "postgres/wire.hpp"

namespace stele {

class Pool;

/// A connection on loan. Returned when destroyed. Move-only; must not outlive the pool.
class Lease {
public:
    Lease(Lease&& other) noexcept
        : pool_(std::exchange(other.pool_, nullptr)), slot_(other.slot_), wire_(other.wire_) {}
    Lease& operator=(Lease&& other) noexcept;
    ~Lease() { give_back(); }

    Wire& wire() const noexcept { return *wire_; }
    void give_back() noexcept;
    /// Gives it back to be closed: its session is in no state to be lent again.
    void discard() noexcept;

private:
    friend class Pool;
    Lease(Pool& pool, std::size_t slot, Wire& wire) : pool_(&pool), slot_(slot), wire_(&wire) {}
    Pool* pool_;
    std::size_t slot_;
    Wire* wire_;
};

/// Thread-safe. All leases must be back before it is destroyed.
class Pool {
public:
    Pool(PoolMachine::Limits limits, Wire::Options options);
    ~Pool();
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    /// Waits in line until the deadline, or until there is no hope.
    Result<Lease> acquire(Deadline deadline) STELE_EXCLUDES(mutex_);
    PoolStatus status() const STELE_EXCLUDES(mutex_);
    /// Why one who waits for somebody else to acquire() is late.
    ErrorInfo why_late() const STELE_EXCLUDES(mutex_);
    /// Whether somebody waits for a connection.
    bool crowded() const noexcept { return waiters_.load(std::memory_order_relaxed) != 0; }
    const Wire::Options& options() const noexcept { return options_; }
    Watchdog& watchdog() noexcept { return watchdog_; }

private:
    friend class Lease;
    // `since`: untouched unless it had to wait
    Result<Lease> wait_in_line(Deadline deadline, Observer::Time& since) STELE_EXCLUDES(mutex_);
    /// A lease; an error; or nothing: decide again.
    Result<std::optional<Lease>> connect(std::size_t slot, PoolMachine::Ticket ticket, Deadline deadline)
        STELE_EXCLUDES(mutex_);
    Deadline close_surplus() noexcept STELE_EXCLUDES(mutex_);
    void wait(PoolMachine::Ticket ticket, Deadline until) STELE_REQUIRES(mutex_);
    void take_back(std::size_t slot, bool close) noexcept STELE_EXCLUDES(mutex_);
    void changed() STELE_REQUIRES(mutex_);

    Wire::Options options_;
    Watchdog watchdog_;
    mutable Mutex mutex_;
    PoolMachine machine_ STELE_GUARDED_BY(mutex_);
    std::map<PoolMachine::Ticket, Condition*> waiting_ STELE_GUARDED_BY(mutex_);
    std::atomic<std::size_t> waiters_{0};
    std::size_t to_replace_ STELE_GUARDED_BY(mutex_) = 0;  // lost, and not made anew yet
    PoolStatus reported_ STELE_GUARDED_BY(mutex_);
    std::vector<std::unique_ptr<Wire>> wires_;  // a slot belongs to whoever the machine gave it to
};

}  // namespace stele
