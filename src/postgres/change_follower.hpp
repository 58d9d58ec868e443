// Follows the change log for all stores of a database.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "base/boot_clock.hpp"
#include "base/mutex.hpp"
#include "postgres/change_hints.hpp"
#include "postgres/change_log.hpp"
#include "stele/deadline.hpp"
#include "stele/executor.hpp"

namespace stele {

/// Told by the follower's thread, one call at a time; must be quick, and must not throw.
class ChangeListener {
public:
    virtual ~ChangeListener() = default;
    /// These were changed, of any store.
    virtual void changed(std::span<const Change> changes) noexcept = 0;
    /// Anything may have been.
    virtual void all_changed() noexcept = 0;
};

/// One thread looks at the log every third of the bound, with one statement, while anybody uses what it vouches for;
/// after some seconds in which nobody asks it rests, and what is kept in memory counts as old. A hint of another
/// process makes it look at once. On a standby what it knows is as old as the primary's last sign of life, by the two
/// servers' clocks. Thread-safe. No listener may be left when it is destroyed.
class ChangeFollower {
public:
    struct Options {
        std::string quoted_schema;
        std::chrono::milliseconds bound{100};
        std::chrono::milliseconds rest_after{10'000};
        std::chrono::milliseconds keep{3'600'000};  ///< how long rows stay in the log
    };
    /// Runs a statement; throws Error.
    using Run = std::function<Rows(const Statement&, Deadline)>;
    using Log = std::function<void(std::string_view)>;

    /// `hints`: null for none; it must outlive this, as must the observer.
    ChangeFollower(Options options, Run run, Log log, const Observer& observer = Observer::nobody(),
                   ChangeHints* hints = nullptr);
    ~ChangeFollower() { stop(); }
    /// Waits for the look under way. For those who must stop it before they are destroyed.
    void stop() noexcept STELE_EXCLUDES(mutex_);

    class Subscription {
    public:
        Subscription() = default;
        Subscription(Subscription&& other) noexcept
            : follower_(std::exchange(other.follower_, nullptr)), place_(other.place_) {}
        Subscription& operator=(Subscription&& other) noexcept {
            std::swap(follower_, other.follower_);
            std::swap(place_, other.place_);
            return *this;
        }
        ~Subscription() {
            if (follower_ != nullptr) follower_->unsubscribe(place_);
        }

    private:
        friend class ChangeFollower;
        using Place = std::list<ChangeListener*>::iterator;
        Subscription(ChangeFollower& follower, Place place) : follower_(&follower), place_(place) {}
        ChangeFollower* follower_ = nullptr;
        Place place_{};
    };
    /// From now on. Ends, after a call under way, when the subscription goes.
    [[nodiscard]] Subscription subscribe(ChangeListener& listener) STELE_EXCLUDES(mutex_);

    /// Whether what listeners keep in memory holds all that was committed `bound` ago. If not, it looks soon, and until
    /// then the database must be asked.
    bool fresh() noexcept {
        if (!used_.load(std::memory_order_relaxed)) used_.store(true, std::memory_order_relaxed);
        const auto now = BootClock::now().time_since_epoch().count();
        if (now - known_at_.load(std::memory_order_acquire) <= bound_) return true;
        wake();
        return false;
    }
    /// Waits for a look that begins now, so that listeners know all that the server shows. Throws what the look failed
    /// with, or Error(deadline_exceeded). Not to be called by a listener.
    void catch_up(Deadline deadline) STELE_EXCLUDES(mutex_);
    /// What this process itself has changed, or may have, and committed: its listeners are told at once, and other
    /// processes get a hint, which nobody waits for. Not to be called by a listener.
    void announce(std::span<const Change> changes) noexcept STELE_EXCLUDES(telling_);
    /// Looks at once.
    void wake() noexcept { rouse(woken_); }

    /// The last look, without its changes: all that it shows was told to listeners. Nothing: there was none yet.
    std::optional<ChangeLog::Look> position() const STELE_EXCLUDES(position_mutex_);
    /// What was changed since a position, by now; nothing: nobody knows any more. Waits for the server; throws Error.
    std::optional<std::vector<Change>> since(const ChangeLog::Look& position, Deadline deadline);

private:
    struct Answer {
        ChangeLog::Look look;
        std::chrono::nanoseconds behind{};  // the primary, when it was last seen alive
        bool replicated = false;
    };
    void unsubscribe(Subscription::Place place) noexcept STELE_EXCLUDES(telling_);
    void run() STELE_EXCLUDES(mutex_);
    void wait(bool looked) STELE_EXCLUDES(mutex_);
    void rouse(std::atomic<bool>& why) noexcept STELE_EXCLUDES(mutex_);
    bool look();
    void looked(BootClock::time_point begun, std::exception_ptr failure) STELE_EXCLUDES(mutex_);
    void learn(const Answer& answer, BootClock::time_point begun);
    Answer ask(const ChangeLog::Question& question, Deadline deadline);
    void tell(const ChangeLog::Look& look, bool follows) STELE_EXCLUDES(telling_);
    void serve_others(const Answer& answer);
    void tidy_up(const Answer& answer);

    const Options options_;
    const Run query_;
    const Log log_;
    const Observer& observer_;
    ChangeHints* const hints_;
    const std::int64_t bound_;  // ns
    const Sql look_, beat_, remove_;
    std::atomic<std::int64_t> known_at_;  // of BootClock: everything committed by then is known
    std::atomic<bool> used_{true};
    std::atomic<bool> woken_{false}, heard_{false};

    ChangeLog change_log_;  // of the thread
    BootClock::time_point used_at_, removed_at_;
    bool failing_ = false, untidy_ = false;
    bool rested_ = true;   // since what is known was learnt
    std::string channel_;  // of hints
    bool primary_ = false;

    mutable Mutex position_mutex_;
    std::optional<ChangeLog::Look> position_ STELE_GUARDED_BY(position_mutex_);

    Mutex mutex_;
    Condition waits_;
    Condition looked_;
    bool stopping_ STELE_GUARDED_BY(mutex_) = false;
    BootClock::time_point looked_at_ STELE_GUARDED_BY(mutex_){};  // when the last look began
    std::exception_ptr failure_ STELE_GUARDED_BY(mutex_){};       // of the last look
    std::thread thread_ STELE_GUARDED_BY(mutex_);

    Mutex telling_;
    std::list<ChangeListener*> listeners_ STELE_GUARDED_BY(telling_);
};

}  // namespace stele
