// The way from nothing to a usable connection. Sans-io: told what happened, says what to do next.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "stele/deadline.hpp"
#include "stele/error.hpp"

namespace stele {

/// One attempt at a connection: start, poll until libpq is satisfied, set up, ready. Of several servers, one that does
/// not answer is passed over for the next. When to try again is the Outage's to say.
class ConnectMachine {
public:
    using Time = Deadline::Clock::time_point;

    struct Limits {
        std::chrono::milliseconds attempt{10'000};  // one try of one server
    };

    enum class Do : std::uint8_t {
        start,          // PQconnectStart; answer started() or failed()
        wait_readable,  // until `until`; answer ready() or timed_out()
        wait_writable,
        set_up,  // run the initialiser; answer set_up() or failed()
        use,     // done: it can be used
        give_up  // done: error() says why
    };
    struct Action {
        Do what;
        Deadline until;
    };
    enum class Poll : std::uint8_t { reading, writing, ok };

    ConnectMachine(Limits limits, Deadline deadline) : limits_(limits), deadline_(deadline) {}

    Action begin(Time now);
    Action polled(Poll status, Time now);
    /// `another`: there is another server to try, at once.
    Action timed_out(Time now, bool another = false);
    /// libpq went on to the next server, which gets as much time as the one before.
    void next_server(Time now);
    Action set_up(Time now);
    Action failed(ErrorInfo error);

    const ErrorInfo& error() const noexcept { return error_; }

private:
    Limits limits_;
    Deadline deadline_;
    Deadline attempt_;
    Time attempt_began_{};
    ErrorInfo error_;
};

}  // namespace stele
