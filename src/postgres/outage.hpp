// What failures to connect mean for those who come next. Sans-io.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "stele/deadline.hpp"
#include "stele/error.hpp"

namespace stele {

/// Between a failed attempt to connect and the next one that succeeds there is an outage. In it nobody connects before
/// a pause is over that grows with each failure. Who may wait for that, and who fails at once with the error of the
/// last attempt, is answered here: waiting is for outages that are likely to be short.
class Outage {
public:
    using Time = Deadline::Clock::time_point;

    struct Limits {
        std::chrono::milliseconds first_pause{20};
        std::chrono::milliseconds max_pause{1'000};
        std::chrono::milliseconds patience{10'000};  // an outage that is older is not waited for
        /// Wait also for a server that was never reached, as for one that we start ourselves.
        bool trusts = false;
    };

    explicit Outage(Limits limits, std::uint32_t jitter_seed = 1) : limits_(limits), random_(jitter_seed | 1u) {}

    void failed(ErrorInfo error, Time now);
    void succeeded();

    bool active(Time now) const noexcept;
    /// When the next attempt may be made.
    Time next_attempt() const noexcept { return next_; }
    /// From when on there is no waiting for its end: the beginning of time for an error that waiting does not mend.
    Time patient_until() const noexcept;
    /// The server answers, but takes no further connection: those that it has may still be good.
    bool server_answers() const noexcept { return error_.code != ErrorCode::unavailable; }
    /// The last error, with how often and since when.
    ErrorInfo explain(Time now) const;
    /// "; a new connection was refused (3 attempts in 2.1 s, the last 40 ms ago): ...", or nothing.
    std::string remark(Time now) const;

private:
    std::string numbers(Time now) const;
    bool passes_by_itself() const noexcept;

    Limits limits_;
    std::uint32_t random_;
    bool reached_before_ = false;
    int failures_ = 0;
    Time began_{}, last_{}, next_{};
    ErrorInfo error_;
};

}  // namespace stele
