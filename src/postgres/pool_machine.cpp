#include "postgres/pool_machine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace stele {

Result<PoolMachine::Ticket> PoolMachine::enter(Time now) {
    if (line_.size() >= limits_.max_waiters) {
        const PoolStatus numbers = status();
        ErrorInfo error = make_error(
            ErrorCode::pool_exhausted,
            fmt::format("{} callers already wait for one of {} connections ({} in use, {} connecting); raise "
                        "max_connections or max_waiters{}",
                        line_.size(), numbers.maximum, numbers.in_use, numbers.connecting, outage_.remark(now)));
        error.retry = Retry::call;
        return fail(std::move(error));
    }
    line_.push_back(++last_ticket_);
    return last_ticket_;
}

PoolMachine::Decision PoolMachine::decide(Ticket ticket, Time now) {
    if (line_.empty() || line_.front() != ticket) return {Do::wait};
    Decision decision{Do::wait};
    if (const auto slot = newest_idle()) {
        slots_[*slot].state = State::in_use;
        // after a loss the others have likely died with it
        const Time since = slots_[*slot].idle_since;
        decision = {now - since > limits_.check_after || since <= last_loss_ ? Do::check : Do::use, *slot};
    } else if (const auto place = empty()) {
        decision = decide_on_empty(*place, now);
    }
    if (decision.what != Do::wait) line_.pop_front();
    return decision;
}

PoolMachine::Decision PoolMachine::decide_on_empty(std::size_t slot, Time now) {
    const auto connect = [&] {
        slots_[slot].state = State::connecting;
        slots_[slot].created = now;
        return Decision{Do::connect, slot};
    };
    const std::size_t connecting = count(State::connecting);
    if (!outage_.active(now)) return connecting < limits_.max_connecting ? connect() : Decision{Do::wait};
    // one attempt at a time, however many wait for its outcome
    if (connecting == 0 && now >= outage_.next_attempt()) return connect();
    Deadline until = connecting == 0 ? Deadline::at(outage_.next_attempt()) : Deadline::never();
    if (outage_.server_answers() && count(State::in_use) > 0) return {Do::wait, 0, until};  // for one that comes back
    const Time patient_until = outage_.patient_until();
    if (now >= patient_until) return {Do::fail};
    return {Do::wait, 0, std::min(until, Deadline::at(patient_until))};
}

ErrorInfo PoolMachine::why_late(Time now) const {
    const bool full = count(State::in_use) == limits_.maximum;
    return outage_.active(now) && !full ? late_in_outage(now) : exhausted(now);
}

ErrorInfo PoolMachine::leave(Ticket ticket, Time now) {
    ErrorInfo error = why_late(now);
    line_.erase(std::remove(line_.begin(), line_.end(), ticket), line_.end());
    return error;
}

ErrorInfo PoolMachine::late_in_outage(Time now) const {
    ErrorInfo error = outage_.explain(now);
    error.message += "; there was no connection before the deadline: " + counts();
    return error;
}

ErrorInfo PoolMachine::exhausted(Time now) const {
    ErrorInfo error =
        make_error(ErrorCode::pool_exhausted, "no connection became free before the deadline: " + counts() +
                                                  "; raise max_connections or the deadline" + outage_.remark(now));
    error.retry = Retry::call;
    return error;
}

void PoolMachine::connected(std::size_t slot, Time now) {
    slots_[slot].state = State::in_use;
    slots_[slot].created = now;
    outage_.succeeded();
}

void PoolMachine::connect_failed(std::size_t slot, Ticket ticket, ErrorInfo error, Time now) {
    release(slot);
    outage_.failed(std::move(error), now);
    line_.push_front(ticket);
}

ErrorInfo PoolMachine::connect_abandoned(std::size_t slot, ErrorInfo error, Time now) {
    release(slot);
    return outage_.active(now) ? late_in_outage(now) : std::move(error);
}

bool PoolMachine::too_short(std::size_t slot, Time now) const {
    constexpr std::chrono::seconds kFair{1};  // a healthy server has answered by then
    return now - slots_[slot].created < kFair;
}

bool PoolMachine::returned(std::size_t slot, bool broken, Time now) {
    if (broken) last_loss_ = now;
    if (broken || now - slots_[slot].created > limits_.max_lifetime) {
        release(slot);
        return false;
    }
    slots_[slot].state = State::idle;
    slots_[slot].idle_since = now;
    return true;
}

void PoolMachine::discard(std::size_t slot, Ticket ticket) {
    release(slot);
    line_.push_front(ticket);
}

std::optional<std::size_t> PoolMachine::take_surplus(Time now) {
    if (now < next_surplus().point()) return std::nullopt;
    const auto slot = surplus();
    if (slot) release(*slot);
    return slot;
}

Deadline PoolMachine::next_surplus() const {
    const auto slot = surplus();
    return slot ? Deadline::at(slots_[*slot].idle_since + limits_.max_idle) : Deadline::never();
}

std::optional<PoolMachine::Ticket> PoolMachine::next_to_wake() const {
    if (line_.empty() || (!newest_idle() && !empty())) return std::nullopt;
    return line_.front();
}

PoolStatus PoolMachine::status() const {
    PoolStatus status;
    status.idle = count(State::idle);
    status.in_use = count(State::in_use);
    status.connecting = count(State::connecting);
    status.waiting = line_.size();
    status.maximum = limits_.maximum;
    return status;
}

std::optional<std::size_t> PoolMachine::newest_idle() const {
    // the newest, so that surplus connections grow old and are closed
    std::optional<std::size_t> best;
    for (std::size_t i = 0; i < slots_.size(); ++i) {
        if (slots_[i].state != State::idle) continue;
        if (!best || slots_[i].idle_since > slots_[*best].idle_since) best = i;
    }
    return best;
}

std::optional<std::size_t> PoolMachine::surplus() const {
    // one stays, so that a call after a silence need not connect
    if (limits_.max_idle.count() == 0 || count(State::empty) + 1 >= slots_.size()) return std::nullopt;
    std::optional<std::size_t> oldest;
    for (std::size_t i = 0; i < slots_.size(); ++i) {
        if (slots_[i].state != State::idle) continue;
        if (!oldest || slots_[i].idle_since < slots_[*oldest].idle_since) oldest = i;
    }
    return oldest;
}

std::string PoolMachine::counts() const {
    return fmt::format("{} of {} in use, {} connecting, {} callers waiting", count(State::in_use), limits_.maximum,
                       count(State::connecting), line_.size());
}

std::size_t PoolMachine::count(State state) const {
    return static_cast<std::size_t>(
        std::count_if(slots_.begin(), slots_.end(), [state](const Slot& slot) { return slot.state == state; }));
}

std::optional<std::size_t> PoolMachine::empty() const {
    for (std::size_t i = 0; i < slots_.size(); ++i) {
        if (slots_[i].state == State::empty) return i;
    }
    return std::nullopt;
}

}  // namespace stele
