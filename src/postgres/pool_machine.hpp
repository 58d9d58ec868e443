// Who gets which connection, and when a new one is made. Sans-io: holds numbers, no connection and no lock.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "postgres/outage.hpp"
#include "stele/database.hpp"
#include "stele/deadline.hpp"

namespace stele {

/// Connections live in slots 0 .. maximum-1. Callers wait in line by ticket; only the first in line is served.
/// Not synchronised.
class PoolMachine {
public:
    using Time = Deadline::Clock::time_point;
    using Ticket = std::uint64_t;

    struct Limits {
        std::size_t maximum = 8;
        std::size_t max_waiters = 1024;
        std::size_t max_connecting = 4;  // at once; the others wait for one of these, or for one that comes back
        std::chrono::milliseconds max_lifetime{3'600'000};
        std::chrono::milliseconds max_idle{
            300'000};                                // all but one connection are closed after such a silence; 0: never
        std::chrono::milliseconds check_after{100};  // a connection silent for longer is looked at before use
        Outage::Limits outage;
    };
    enum class Do : std::uint8_t {
        use,      // the idle connection in `slot`
        check,    // the same, but see first whether it is alive; if not, discard() it and decide() again
        connect,  // make one in `slot`, then connected(), connect_failed() or connect_abandoned()
        wait,     // until woken, or `until`; then decide() again
        fail      // there will be none soon: why_failed() says why
    };
    struct Decision {
        Do what;
        std::size_t slot = 0;
        Deadline until{};
    };

    explicit PoolMachine(Limits limits, std::uint32_t jitter_seed = 1)
        : limits_(limits), slots_(limits.maximum), outage_(limits.outage, jitter_seed) {}

    /// Joins the line. Refused when it is too long.
    Result<Ticket> enter(Time now);
    /// What the caller may do now. Anything but `wait` takes it out of the line and gives it the slot.
    Decision decide(Ticket ticket, Time now);
    /// Gives up waiting, because the caller's deadline has passed. Says with what numbers.
    ErrorInfo leave(Ticket ticket, Time now);
    /// Why there is no connection for one whose deadline has passed, with the numbers.
    ErrorInfo why_late(Time now) const;
    ErrorInfo why_failed(Time now) const { return outage_.explain(now); }

    void connected(std::size_t slot, Time now);
    /// The caller is first in line again, to learn from decide() whether to wait for another attempt.
    void connect_failed(std::size_t slot, Ticket ticket, ErrorInfo error, Time now);
    /// The attempt says nothing about the server. Gives the error for its caller: in an outage the attempts before this
    /// one know more.
    ErrorInfo connect_abandoned(std::size_t slot, ErrorInfo error, Time now);
    /// An attempt that its caller's deadline cut short this early is to be abandoned.
    bool too_short(std::size_t slot, Time now) const;
    /// A connection comes back. True: keep it; false: close it (broken, or too old).
    bool returned(std::size_t slot, bool broken, Time now);
    /// A checked connection was found dead; the caller is first in line again.
    void discard(std::size_t slot, Ticket ticket);

    /// A connection to close because it was idle for too long. Its slot is free; decide again for the next.
    std::optional<std::size_t> take_surplus(Time now);
    /// When there will be one.
    Deadline next_surplus() const;

    /// Who should look again now, if anybody.
    std::optional<Ticket> next_to_wake() const;
    PoolStatus status() const;

private:
    enum class State : std::uint8_t { empty, connecting, idle, in_use };
    struct Slot {
        State state = State::empty;
        Time created{};  // while connecting: when that began
        Time idle_since{};
    };
    void release(std::size_t slot) { slots_[slot].state = State::empty; }
    std::size_t count(State state) const;
    std::string counts() const;
    ErrorInfo late_in_outage(Time now) const;
    ErrorInfo exhausted(Time now) const;
    std::optional<std::size_t> newest_idle() const;
    std::optional<std::size_t> surplus() const;
    std::optional<std::size_t> empty() const;
    Decision decide_on_empty(std::size_t slot, Time now);

    Limits limits_;
    std::vector<Slot> slots_;
    std::deque<Ticket> line_;
    Ticket last_ticket_ = 0;
    Time last_loss_ = Time::min();
    Outage outage_;
};

}  // namespace stele
