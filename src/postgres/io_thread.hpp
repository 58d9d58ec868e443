// The thread that leads lanes for callers who do not wait.
#pragma once

#include <thread>
#include <utility>
#include <vector>

#include "base/mutex.hpp"
#include "postgres/lane_driver.hpp"
#include "postgres/wake_up.hpp"
#include "stele/deadline.hpp"

namespace stele {

/// Starts when first needed; a second one, which makes connections, as well. Thread-safe. Must be gone before the lanes
/// are.
class IoThread {
public:
    IoThread() = default;
    IoThread(const IoThread&) = delete;
    IoThread& operator=(const IoThread&) = delete;
    ~IoThread() { stop(); }

    /// Takes over the lead of that lane.
    void lead(LaneDriver& lane) STELE_EXCLUDES(mutex_);
    /// Has a connection borrowed for a lane that it leads, and wakes itself when it is there.
    void connect(LaneDriver& lane, Deadline deadline) STELE_EXCLUDES(mutex_);
    /// Completes a request that is done.
    void complete(LaneRequest& request) STELE_EXCLUDES(mutex_);
    /// Returns when nothing is left to lead. No request may be started any more.
    void stop() noexcept STELE_EXCLUDES(mutex_);

private:
    struct Led {
        LaneDriver* lane;
        LaneDriver::Step step;
    };
    void start() STELE_REQUIRES(mutex_);
    void run() STELE_EXCLUDES(mutex_);
    void wait(std::vector<Led>& led);
    void make_connections() STELE_EXCLUDES(mutex_);

    WakeUp wake_;
    Mutex mutex_;
    Condition connect_;
    std::vector<LaneDriver*> new_lanes_ STELE_GUARDED_BY(mutex_);
    std::vector<LaneRequest*> done_ STELE_GUARDED_BY(mutex_);
    std::vector<std::pair<LaneDriver*, Deadline>> to_connect_ STELE_GUARDED_BY(mutex_);
    bool stopping_ STELE_GUARDED_BY(mutex_) = false;
    bool finished_ STELE_GUARDED_BY(mutex_) = false;
    std::thread thread_, connector_;
};

}  // namespace stele
