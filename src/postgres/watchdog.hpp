// Deadlines of calls that are under way, kept by one thread for all of them.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include "base/mutex.hpp"
#include "stele/deadline.hpp"

namespace stele {

/// A kernel timer armed and disarmed for every wait is seen beside a round trip of 20 us. So a call waits without one
/// and only writes down until when; one thread sleeps until the first of these points that it knows of, and shuts down
/// the sockets of those who are late, which ends their wait, or rings. Calls with the usual deadline wake it once in
/// that time. Thread-safe; must outlive its watches and alarms.
class Watchdog {
public:
    /// `chore`: what the same thread does beside it at the point asked for by chore_by(); returns when to be called
    /// next. It must not throw, nor take long.
    explicit Watchdog(std::function<Deadline()> chore = {}) : chore_(std::move(chore)) {}
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;
    ~Watchdog() { stop(); }

    /// Does nothing before the first watch.
    void chore_by(Deadline point) noexcept STELE_EXCLUDES(mutex_);
    /// Ends the thread: no chore runs after it, and no call is ended. For an owner whose chore uses what dies first.
    void stop() noexcept STELE_EXCLUDES(mutex_);

private:
    using Count = Deadline::Clock::rep;
    static constexpr Count kNever = Deadline::never().point().time_since_epoch().count();
    static constexpr Count kLate = Deadline::Clock::time_point::min().time_since_epoch().count();

    /// A point that the watchdog keeps.
    class Point {
    public:
        /// The first starts the thread; throws std::system_error when there can be none.
        explicit Point(Watchdog& watchdog);
        virtual ~Point() = default;
        Point(const Point&) = delete;
        Point& operator=(const Point&) = delete;

    protected:
        void look() noexcept;
        /// Before anything that late() uses is gone.
        void leave() noexcept;

        std::atomic<Count> until_{kNever};  // kLate: it passed

    private:
        friend class Watchdog;
        /// Under the watchdog's lock. False when it is not late after all.
        virtual bool late(Count until) = 0;
        Watchdog& watchdog_;
    };

public:
    /// One connection's calls, one after the other.
    class Watch final : Point {
    public:
        Watch(Watchdog& watchdog, int socket) : Point(watchdog), socket_(socket) {}
        ~Watch() override { leave(); }  // so that the socket is not shut down after it was closed and given to another

        void begin(Deadline deadline) noexcept;
        /// True when the deadline passed first: the socket is, or is being, shut down.
        bool end() noexcept;

    private:
        bool late(Count until) override;
        int socket_;
    };

    /// Calls `ring` on the watchdog's thread when the earliest of its deadlines has passed; that returns the next one.
    /// It must not call the watchdog, nor wait for a thread that does.
    class Alarm final : Point {
    public:
        Alarm(Watchdog& watchdog, std::function<Deadline()> ring) : Point(watchdog), ring_(std::move(ring)) {}
        ~Alarm() override { leave(); }

        /// Rings then, if not before.
        void set(Deadline deadline) noexcept;

    private:
        bool late(Count until) override;
        bool lower(Count until) noexcept;
        std::function<Deadline()> ring_;
    };

private:
    void run() STELE_EXCLUDES(mutex_);
    void look_at_all() STELE_REQUIRES(mutex_);
    void do_chore() STELE_REQUIRES(mutex_);
    void look_by(Count point) noexcept STELE_EXCLUDES(mutex_);

    Mutex mutex_;
    Condition changed_;
    std::vector<Point*> points_ STELE_GUARDED_BY(mutex_);
    std::atomic<Count> next_look_{kNever};   // written under the mutex
    std::atomic<Count> next_chore_{kNever};  // the same
    std::function<Deadline()> chore_;
    bool stopping_ STELE_GUARDED_BY(mutex_) = false;
    std::thread thread_;
};

}  // namespace stele
