// Notices when the machine itself stands still.
#pragma once

#include <atomic>
#include <chrono>
#include <thread>

#include "base/mutex.hpp"

namespace stele::test {

/// A thread that does nothing but look at the clock: when it is late, no thread of this process is to blame. Time that
/// was lost that way is no fault of a call. Thread-safe.
class Pulse {
public:
    using Clock = std::chrono::steady_clock;

    Pulse() : thread_([this] { run(); }) {}
    Pulse(const Pulse&) = delete;
    Pulse& operator=(const Pulse&) = delete;
    ~Pulse() {
        stop_ = true;
        thread_.join();
    }
    /// All that was lost so far, stalls of less than a tenth of a second left out.
    Clock::duration lost() const {
        const MutexLock lock(mutex_);
        return lost_ + late();
    }

private:
    static constexpr std::chrono::milliseconds kBeat{10}, kStall{100};

    Clock::duration late() const STELE_REQUIRES(mutex_) {
        const auto late = Clock::now() - due_;
        return late > kStall ? late : Clock::duration::zero();
    }
    void run() {
        while (!stop_) {
            std::this_thread::sleep_for(kBeat);
            const MutexLock lock(mutex_);
            lost_ += late();
            due_ = Clock::now() + kBeat;
        }
    }

    mutable Mutex mutex_;
    Clock::duration lost_ STELE_GUARDED_BY(mutex_){};
    Clock::time_point due_ STELE_GUARDED_BY(mutex_) = Clock::now() + kBeat;
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

/// The time, without what the machine lost since this was made.
class FairClock {
public:
    explicit FairClock(const Pulse& pulse) : pulse_(&pulse), lost_(pulse.lost()) {}
    Pulse::Clock::time_point now() const { return Pulse::Clock::now() - (pulse_->lost() - lost_); }

private:
    const Pulse* pulse_;
    Pulse::Clock::duration lost_;
};

}  // namespace stele::test
