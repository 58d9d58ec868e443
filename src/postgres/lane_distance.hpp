// How far away the server is, as far as a lane needs to know. Sans-io.
#pragma once

#include <chrono>
#include <cstddef>

#include "stele/deadline.hpp"

namespace stele {

/// Near, one group is under way at a time: requests gather meanwhile and cost less each. Over a long way that would
/// waste the wire, so several are. The shortest time seen would never rise again, and an average mistakes slow
/// statements for a long way: so it takes several long groups in a row to change over, and once in a while one group
/// that travels alone to see whether it was right.
class LaneDistance {
public:
    using Time = Deadline::Clock::time_point;

    /// Groups that may be under way at once.
    std::size_t flights() const noexcept { return far_ && !probing_ ? kFarFlights : 1; }
    /// A group was answered. `alone`: nothing else was under way when it was sent.
    void answered(Deadline::Clock::duration took, std::size_t requests, bool alone, Time now) noexcept {
        const bool took_long = took > kLong + kEach * static_cast<int>(requests);
        if (!far_) {
            long_ones_ = took_long ? long_ones_ + 1 : 0;
            far_ = long_ones_ >= kLongOnes;
            probe_at_ = now + kBetweenProbes;
        } else if (!probing_) {
            probing_ = now >= probe_at_;
        } else if (alone) {
            far_ = took_long;
            probing_ = false;
            long_ones_ = 0;
            probe_at_ = now + kBetweenProbes;
        }
    }

private:
    static constexpr std::chrono::microseconds kLong{1000};
    static constexpr std::chrono::microseconds kEach{50};
    static constexpr std::chrono::seconds kBetweenProbes{1};
    static constexpr int kLongOnes = 8;
    static constexpr std::size_t kFarFlights = 16;

    bool far_ = false, probing_ = false;
    int long_ones_ = 0;
    Time probe_at_{};
};

}  // namespace stele
