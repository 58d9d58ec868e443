#include "postgres/pool.hpp"

#include <fmt/format.h>

namespace stele {

Lease& Lease::operator=(Lease&& other) noexcept {
    if (this != &other) {
        give_back();
        pool_ = std::exchange(other.pool_, nullptr);
        slot_ = other.slot_;
        wire_ = other.wire_;
    }
    return *this;
}

void Lease::give_back() noexcept {
    // a connection left inside a transaction must never be lent again
    if (pool_ != nullptr) {
        std::exchange(pool_, nullptr)->take_back(slot_, wire_->broken() || wire_->transaction_status() != PQTRANS_IDLE);
    }
}

void Lease::discard() noexcept {
    if (pool_ != nullptr) std::exchange(pool_, nullptr)->take_back(slot_, true);
}

Pool::Pool(PoolMachine::Limits limits, Wire::Options options)
    : options_(std::move(options)), machine_(limits), wires_(limits.maximum) {
    MutexLock lock(mutex_);
    changed();
}

Pool::~Pool() {
    options_.observer->pool(reported_, PoolStatus());
}

Result<Lease> Pool::acquire(Deadline deadline) {
    Observer::Time since{};
    Result<Lease> lease = wait_in_line(deadline, since);
    options_.observer->queued(Lane::none, since);  // in vain, too
    return lease;
}

Result<Lease> Pool::wait_in_line(Deadline deadline, Observer::Time& since) {
    std::optional<PoolMachine::Ticket> ticket;
    for (;;) {
        PoolMachine::Decision decision{};
        {
            MutexLock lock(mutex_);
            if (!ticket) {
                Result<PoolMachine::Ticket> made = machine_.enter();
                if (!made) return fail(std::move(made.error()));
                ticket = *made;
            }
            const auto looked = Deadline::Clock::now();
            decision = machine_.decide(*ticket, looked);
            if (decision.what != PoolMachine::Do::use && since == Observer::Time()) since = looked;
            if (decision.what == PoolMachine::Do::wait) {
                if (deadline.expired()) {
                    const PoolStatus now = machine_.status();
                    machine_.leave(*ticket);
                    changed();
                    ErrorInfo error = make_error(
                        ErrorCode::pool_exhausted,
                        fmt::format("no connection became free before the deadline: {} of {} in use, {} connecting, {} "
                                    "callers waiting; raise max_connections or the deadline",
                                    now.in_use, now.maximum, now.connecting, now.waiting));
                    error.retry = Retry::call;
                    return fail(std::move(error));
                }
                Condition condition;
                waiting_[*ticket] = &condition;
                waiters_.fetch_add(1, std::memory_order_relaxed);
                changed();
                if (deadline.is_never()) {
                    condition.wait(mutex_);
                } else {
                    condition.wait_until(mutex_, deadline.point());
                }
                waiters_.fetch_sub(1, std::memory_order_relaxed);
                waiting_.erase(*ticket);
                continue;
            }
            changed();  // more than one may have become free
        }
        if (decision.what == PoolMachine::Do::connect) return connect(decision.slot, deadline);
        Wire& wire = *wires_[decision.slot];
        if (decision.what == PoolMachine::Do::use || wire.alive()) return Lease(*this, decision.slot, wire);
        wires_[decision.slot].reset();
        options_.observer->connection_lost(Lane::none);
        MutexLock lock(mutex_);
        ++to_replace_;
        machine_.discard(decision.slot, *ticket);
    }
}

Result<Lease> Pool::connect(std::size_t slot, Deadline deadline) {
    bool patient = false;  // a server that was there before is coming back
    {
        MutexLock lock(mutex_);
        patient = connected_once_;
    }
    const Observer::Time since = options_.observer->now();
    Result<std::unique_ptr<Wire>> made;
    try {
        made = Wire::connect(options_, watchdog_, deadline, patient);
    } catch (const Error& error) {  // from before_attempt or the initialiser
        made = fail(error.info());
    } catch (...) {
        options_.observer->connect_failed(Lane::none);
        MutexLock lock(mutex_);
        machine_.connect_failed(slot);
        changed();
        throw;
    }
    if (made) wires_[slot] = std::move(*made);
    MutexLock lock(mutex_);
    if (!made) {
        options_.observer->connect_failed(Lane::none);
        machine_.connect_failed(slot);
        changed();
        return fail(std::move(made.error()));
    }
    machine_.connected(slot, Deadline::Clock::now());
    connected_once_ = true;
    options_.observer->connected(Lane::none, since, to_replace_ > 0);
    if (to_replace_ > 0) --to_replace_;
    changed();
    return Lease(*this, slot, *wires_[slot]);
}

void Pool::take_back(std::size_t slot, bool close) noexcept {
    std::unique_ptr<Wire> closing;  // declared first: closed after the lock is gone
    MutexLock lock(mutex_);
    if (wires_[slot]->broken()) {
        ++to_replace_;
        options_.observer->connection_lost(Lane::none);
    }
    // the wire must be out of the slot before the machine can give the slot away
    if (close) closing = std::move(wires_[slot]);
    if (!machine_.returned(slot, close, Deadline::Clock::now()) && !close) closing = std::move(wires_[slot]);
    changed();
}

PoolStatus Pool::status() const {
    MutexLock lock(mutex_);
    return machine_.status();
}

void Pool::changed() {
    if (options_.observer->measures()) {
        const PoolStatus now = machine_.status();
        options_.observer->pool(std::exchange(reported_, now), now);
    }
    if (const auto ticket = machine_.next_to_wake()) {
        const auto found = waiting_.find(*ticket);
        if (found != waiting_.end()) found->second->notify_one();
    }
}

}  // namespace stele
