#include "postgres/pool.hpp"

#include <algorithm>
#include <random>

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
    : options_(std::move(options)),
      watchdog_([this] { return close_surplus(); }),
      machine_(limits, std::random_device{}()),
      wires_(limits.maximum) {
    MutexLock lock(mutex_);
    changed();
}

Pool::~Pool() {
    watchdog_.stop();
    options_.observer->pool(reported_, PoolStatus());
}

Result<Lease> Pool::acquire(Deadline deadline) {
    Observer::Time since{};
    Result<Lease> lease = wait_in_line(deadline, since);
    options_.observer->queued(Lane::none, since);  // in vain, too
    return lease;
}

Result<Lease> Pool::wait_in_line(Deadline deadline, Observer::Time& since) {
    using Do = PoolMachine::Do;
    std::optional<PoolMachine::Ticket> ticket;
    for (;;) {
        PoolMachine::Decision decision{};
        {
            MutexLock lock(mutex_);
            const auto now = Deadline::Clock::now();
            if (!ticket) {
                Result<PoolMachine::Ticket> made = machine_.enter(now);
                if (!made) return fail(std::move(made.error()));
                ticket = *made;
            }
            decision = machine_.decide(*ticket, now);
            if (decision.what != Do::use && since == Observer::Time()) since = now;
            if (decision.what == Do::wait) {
                if (deadline.expired(now)) {
                    ErrorInfo error = machine_.leave(*ticket, now);
                    changed();
                    return fail(std::move(error));
                }
                wait(*ticket, std::min(deadline, decision.until));
                continue;
            }
            changed();  // more than one may have become free
            if (decision.what == Do::fail) return fail(machine_.why_failed(now));
        }
        if (decision.what == Do::connect) {
            Result<std::optional<Lease>> made = connect(decision.slot, *ticket, deadline);
            if (!made) return fail(std::move(made.error()));
            if (*made) return std::move(**made);
            continue;
        }
        Wire& wire = *wires_[decision.slot];
        if (decision.what == Do::use || wire.alive()) return Lease(*this, decision.slot, wire);
        wires_[decision.slot].reset();
        options_.observer->connection_lost(Lane::none);
        MutexLock lock(mutex_);
        ++to_replace_;
        machine_.discard(decision.slot, *ticket);
    }
}

void Pool::wait(PoolMachine::Ticket ticket, Deadline until) {
    Condition condition;
    waiting_[ticket] = &condition;
    waiters_.fetch_add(1, std::memory_order_relaxed);
    changed();
    if (until.is_never()) {
        condition.wait(mutex_);
    } else {
        condition.wait_until(mutex_, until.point());
    }
    waiters_.fetch_sub(1, std::memory_order_relaxed);
    waiting_.erase(ticket);
}

Result<std::optional<Lease>> Pool::connect(std::size_t slot, PoolMachine::Ticket ticket, Deadline deadline) {
    const Observer::Time since = options_.observer->now();
    Result<std::unique_ptr<Wire>> made;
    try {
        made = Wire::connect(options_, watchdog_, deadline);
    } catch (const Error& error) {  // from before_attempt or the initialiser
        made = fail(error.info());
    } catch (...) {
        options_.observer->connect_failed(Lane::none);
        MutexLock lock(mutex_);
        machine_.connect_abandoned(slot, {}, Deadline::Clock::now());
        changed();
        throw;
    }
    if (made) wires_[slot] = std::move(*made);
    MutexLock lock(mutex_);
    const auto now = Deadline::Clock::now();
    if (made) {
        machine_.connected(slot, now);
        options_.observer->connected(Lane::none, since, to_replace_ > 0);
        if (to_replace_ > 0) --to_replace_;
        changed();  // who waited for a turn to connect
        return Lease(*this, slot, *wires_[slot]);
    }
    options_.observer->connect_failed(Lane::none);
    if (deadline.expired(now) && machine_.too_short(slot, now)) {
        ErrorInfo error = machine_.connect_abandoned(slot, std::move(made.error()), now);
        changed();
        return fail(std::move(error));
    }
    machine_.connect_failed(slot, ticket, std::move(made.error()), now);
    return std::nullopt;
}

Deadline Pool::close_surplus() noexcept {
    for (;;) {
        std::unique_ptr<Wire> closing;  // declared first: closed after the lock is gone
        MutexLock lock(mutex_);
        const auto slot = machine_.take_surplus(Deadline::Clock::now());
        if (!slot) return machine_.next_surplus();
        closing = std::move(wires_[*slot]);
        changed();
    }
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
    watchdog_.chore_by(machine_.next_surplus());
    changed();
}

ErrorInfo Pool::why_late() const {
    MutexLock lock(mutex_);
    return machine_.why_late(Deadline::Clock::now());
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
