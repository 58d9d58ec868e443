// One connection that many callers share: performs what the LaneMachine says.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.hpp"
#include "postgres/bell.hpp"
#include "postgres/lane_distance.hpp"
#include "postgres/lane_group.hpp"
#include "postgres/lane_lock_timeout.hpp"
#include "postgres/lane_machine.hpp"
#include "postgres/lane_request.hpp"
#include "postgres/pool.hpp"
#include "postgres/wake_up.hpp"
#include "postgres/watchdog.hpp"

namespace stele {

class IoThread;

/// Borrows a connection from the pool while anybody waits for an answer. Thread-safe. Must outlive its callers.
class LaneDriver {
public:
    struct Options {
        Lane kind = Lane::none;
        LaneMachine::Limits limits;
        std::chrono::milliseconds lock_timeout{0};  ///< of a write lane; 0: none
        bool keeps_sessions = false;                ///< what is set for a session stays until it is reset
    };
    LaneDriver(Pool& pool, Watchdog& watchdog, IoThread& io, Options options);

    /// Returns when the request is done.
    void call(LaneRequest& request) STELE_EXCLUDES(mutex_);
    /// Returns at once.
    void start(LaneRequest& request) STELE_EXCLUDES(mutex_);
    /// One that was started shall be done with this error now, if it is not done yet.
    void cancel(LaneRequest& request, ErrorInfo error) STELE_EXCLUDES(mutex_);
    /// All that were started shall.
    void cancel_all(const ErrorInfo& error) STELE_EXCLUDES(mutex_);
    /// Completes the error of one that is done: what only the pool knows.
    void explain(LaneRequest& request) const;
    /// Requests that are not done.
    std::size_t load() const noexcept { return load_.load(std::memory_order_relaxed); }

    // For who leads.
    struct Step {
        bool over;   ///< the lead is another's, or nobody's; the driver must not be touched
        int socket;  ///< to wait for, -1: only for wake_up()
        short events;
    };
    /// Goes on as far as possible without waiting for an answer. `io`: by the I/O thread, which does not wait for a
    /// connection either.
    Step lead(bool io) STELE_EXCLUDES(mutex_);
    WakeUp& wake_up() noexcept { return wake_; }
    /// Waits for a connection in the stead of the I/O thread.
    void connect_for_io(Deadline deadline) STELE_EXCLUDES(mutex_);

private:
    static constexpr std::size_t kBells = 8;

    /// Callers who are through, to be told so when nothing more urgent is left to do.
    struct News {
        std::uint32_t bells = 0;
        std::vector<LaneRequest*> started;
    };

    /// What the leader takes with it, since the next one may begin as soon as the lock is gone.
    struct Leaving {
        bool over = false;
        std::optional<Lease> lease;
        bool discards = false;  // the lease
        bool to_io = false;     // the lead
        Bell* bell = nullptr;   // of the next leader
        std::uint32_t mark = 0;
        News news;
    };

    LaneMachine::Joined join(LaneRequest& request) STELE_EXCLUDES(mutex_);
    LaneMachine::Joined try_to_join(LaneRequest& request) STELE_EXCLUDES(mutex_);
    void wait_and_lead(LaneRequest& request);
    void lead_until_over();

    LaneMachine::Action next(bool io, Leaving& leaving) STELE_REQUIRES(mutex_);
    void leave(Leaving& leaving) STELE_EXCLUDES(mutex_);
    bool connect(Deadline deadline, bool io) STELE_EXCLUDES(mutex_);
    Result<Lease> acquire(Deadline deadline);
    void settle_connection(Result<Lease> lease) STELE_EXCLUDES(mutex_);
    void send() STELE_EXCLUDES(mutex_);
    bool begin(LaneGroup& group);
    short receive() STELE_EXCLUDES(mutex_);
    void take_answers(LaneGroup& group) STELE_EXCLUDES(mutex_);
    void report_sent() const;
    void report_again(std::span<const LaneMachine::Reply> replies) const;
    void lose(std::span<const LaneMachine::Reply> replies, const ErrorInfo& error) STELE_REQUIRES(mutex_);
    void settle(const ErrorInfo* error) STELE_REQUIRES(mutex_);
    void done(LaneRequest& request, News& news) STELE_REQUIRES(mutex_);
    void tell(News& news) STELE_EXCLUDES(mutex_);

    Deadline ring() STELE_EXCLUDES(mutex_);
    bool is_pinned(LaneMachine::Ticket ticket) const STELE_REQUIRES(mutex_);
    bool give_up_if(const std::function<bool(const LaneRequest&)>& wanted, const ErrorInfo& error)
        STELE_EXCLUDES(mutex_);
    void give_up(LaneRequest& request, ErrorInfo error, News& news) STELE_REQUIRES(mutex_);
    ErrorInfo late_error(LaneMachine::Ticket ticket) const STELE_REQUIRES(mutex_);

    Pool& pool_;
    const Observer& observer_;
    IoThread& io_;
    const Options options_;
    std::array<Bell, kBells> bells_;
    Bell room_;
    WakeUp wake_;
    std::atomic<std::size_t> load_{0};
    std::atomic<bool> sends_at_once_{false};  // the way is long

    Mutex mutex_;
    LaneMachine machine_ STELE_GUARDED_BY(mutex_);
    std::uint32_t joined_ STELE_GUARDED_BY(mutex_) = 0;
    std::uint32_t groups_ STELE_GUARDED_BY(mutex_) = 0;
    bool room_wanted_ STELE_GUARDED_BY(mutex_) = false;
    bool sending_ STELE_GUARDED_BY(mutex_) = false;  // the newest group is read without the lock
    bool stuck_ STELE_GUARDED_BY(mutex_) = false;    // the connection is to be given up
    Deadline::Clock::time_point progress_at_ STELE_GUARDED_BY(mutex_){};
    std::optional<Result<Lease>> arrived_ STELE_GUARDED_BY(mutex_);

    // Of whoever leads.
    std::optional<Lease> lease_;
    std::deque<std::unique_ptr<LaneGroup>> flights_;
    std::vector<std::unique_ptr<LaneGroup>> spare_;
    std::vector<LaneMachine::Request> group_;
    MergedStatements merged_;
    LaneLockTimeout lock_timeout_;
    LaneDistance distance_;
    News news_;
    bool connecting_ = false;  // in the background

    Watchdog::Alarm alarm_;  // the last: it calls this
};

}  // namespace stele
