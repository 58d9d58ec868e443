#include "postgres/watchdog.hpp"

#include <sys/socket.h>

#include <algorithm>

#include "base/signals_blocked.hpp"

namespace stele {
namespace {

Deadline::Clock::rep count_of(Deadline::Clock::time_point point) {
    return point.time_since_epoch().count();
}

}  // namespace

void Watchdog::stop() noexcept {
    {
        MutexLock lock(mutex_);
        stopping_ = true;
        changed_.notify_one();
    }
    if (thread_.joinable()) thread_.join();
}

Watchdog::Point::Point(Watchdog& watchdog) : watchdog_(watchdog) {
    MutexLock lock(watchdog_.mutex_);
    if (!watchdog_.thread_.joinable()) {
        const SignalsBlocked blocked;
        watchdog_.thread_ = std::thread([&watchdog] { watchdog.run(); });
    }
    watchdog_.points_.push_back(this);
}

void Watchdog::Point::leave() noexcept {
    MutexLock lock(watchdog_.mutex_);
    watchdog_.points_.erase(std::find(watchdog_.points_.begin(), watchdog_.points_.end(), this));
}

void Watchdog::Point::look() noexcept {
    // both sequentially consistent: either look_at_all() sees the one, or this thread sees that it must look again
    const Count until = until_.load();
    if (until != kLate && until < watchdog_.next_look_.load()) watchdog_.look_by(until);
}

void Watchdog::Watch::begin(Deadline deadline) noexcept {
    until_.store(count_of(deadline.point()));
    look();
}

bool Watchdog::Watch::end() noexcept {
    return until_.exchange(kNever) == kLate;
}

bool Watchdog::Watch::late(Count until) {
    // fails when that call ended meanwhile: whatever is there now belongs to the next one
    if (!until_.compare_exchange_strong(until, kLate)) return false;
    ::shutdown(socket_, SHUT_RDWR);
    return true;
}

void Watchdog::Alarm::set(Deadline deadline) noexcept {
    if (lower(count_of(deadline.point()))) look();
}

bool Watchdog::Alarm::late(Count) {
    until_.store(kNever);  // first, so that none set meanwhile is lost
    lower(count_of(ring_().point()));
    return true;
}

bool Watchdog::Alarm::lower(Count until) noexcept {
    Count before = until_.load();
    while (until < before) {
        if (until_.compare_exchange_weak(before, until)) return true;
    }
    return false;
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
    for (Point* point : points_) {
        Count until = point->until_.load();
        if (until == kLate) continue;
        while (until <= now && !point->late(until)) until = point->until_.load();
        until = point->until_.load();
        if (until != kLate) next = std::min(next, until);
    }
    next_look_.store(next);
}

}  // namespace stele
