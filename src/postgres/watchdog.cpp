#include "postgres/watchdog.hpp"

#include <pthread.h>
#include <sys/socket.h>

#include <algorithm>
#include <csignal>

namespace stele {
namespace {

Deadline::Clock::rep count_of(Deadline::Clock::time_point point) {
    return point.time_since_epoch().count();
}

/// The application's signals are for its own threads.
class SignalsBlocked {
public:
    SignalsBlocked() {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;
    ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
    sigset_t before_{};
};

}  // namespace

void Watchdog::stop() noexcept {
    {
        MutexLock lock(mutex_);
        stopping_ = true;
        changed_.notify_one();
    }
    if (thread_.joinable()) thread_.join();
}

Watchdog::Watch::Watch(Watchdog& watchdog, int socket) : watchdog_(watchdog), socket_(socket) {
    MutexLock lock(watchdog_.mutex_);
    if (!watchdog_.thread_.joinable()) {
        const SignalsBlocked blocked;
        watchdog_.thread_ = std::thread([&watchdog] { watchdog.run(); });
    }
    watchdog_.watches_.push_back(this);
}

Watchdog::Watch::~Watch() {
    MutexLock lock(watchdog_.mutex_);  // so that the socket is not shut down after it was closed and given to another
    watchdog_.watches_.erase(std::find(watchdog_.watches_.begin(), watchdog_.watches_.end(), this));
}

void Watchdog::Watch::begin(Deadline deadline) noexcept {
    const Count until = count_of(deadline.point());
    // both sequentially consistent: either look_at_all() sees the one, or this thread sees that it must look again
    until_.store(until);
    if (until < watchdog_.next_look_.load()) watchdog_.look_by(until);
}

bool Watchdog::Watch::end() noexcept {
    return until_.exchange(kNever) == kLate;
}

void Watchdog::look_by(Count point) noexcept {
    MutexLock lock(mutex_);
    if (point >= next_look_.load()) return;
    next_look_.store(point);
    changed_.notify_one();
}

void Watchdog::chore_by(Deadline point) noexcept {
    const Count by = count_of(point.point());
    if (by >= next_chore_.load()) return;
    MutexLock lock(mutex_);
    if (by >= next_chore_.load()) return;
    next_chore_.store(by);
    changed_.notify_one();
}

void Watchdog::run() {
    MutexLock lock(mutex_);
    while (!stopping_) {
        if (count_of(Deadline::Clock::now()) >= next_chore_.load()) {
            do_chore();
            continue;  // meanwhile it may have been stopped
        }
        const Count next = std::min(next_look_.load(), next_chore_.load());
        if (next == kNever) {
            changed_.wait(mutex_);
        } else if (count_of(Deadline::Clock::now()) < next) {
            changed_.wait_until(mutex_, Deadline::Clock::time_point(Deadline::Clock::duration(next)));
        } else if (next_look_.load() <= next) {
            look_at_all();
        }
    }
}

void Watchdog::do_chore() {
    next_chore_.store(kNever);
    mutex_.unlock();  // it may close connections, and so end their watches
    const Count by = count_of(chore_().point());
    mutex_.lock();
    next_chore_.store(std::min(by, next_chore_.load()));
}

void Watchdog::look_at_all() {
    next_look_.store(kNever);
    const Count now = count_of(Deadline::Clock::now());
    Count next = kNever;
    for (Watch* watch : watches_) {
        Count until = watch->until_.load();
        while (until != kLate && until <= now) {
            // fails when that call ended meanwhile: whatever is there now belongs to the next one
            if (!watch->until_.compare_exchange_weak(until, kLate)) continue;
            ::shutdown(watch->socket_, SHUT_RDWR);
            until = kLate;
        }
        if (until != kLate) next = std::min(next, until);
    }
    next_look_.store(next);
}

}  // namespace stele
