#include "postgres/io_thread.hpp"

#include <algorithm>

#include "base/signals_blocked.hpp"
#include "postgres/socket_wait.hpp"

namespace stele {

void IoThread::lead(LaneDriver& lane) {
    MutexLock lock(mutex_);
    start();
    new_lanes_.push_back(&lane);
    wake_.wake();
}

void IoThread::connect(LaneDriver& lane, Deadline deadline) {
    MutexLock lock(mutex_);
    if (!connector_.joinable()) {
        const SignalsBlocked blocked;
        connector_ = std::thread([this] { make_connections(); });
    }
    to_connect_.emplace_back(&lane, deadline);
    connect_.notify_one();
}

void IoThread::complete(LaneRequest& request) {
    MutexLock lock(mutex_);
    start();
    done_.push_back(&request);
    wake_.wake();
}

void IoThread::stop() noexcept {
    {
        MutexLock lock(mutex_);
        stopping_ = true;
        wake_.wake();
    }
    if (thread_.joinable()) thread_.join();
    {
        MutexLock lock(mutex_);
        finished_ = true;
        connect_.notify_one();
    }
    if (connector_.joinable()) connector_.join();
}

void IoThread::start() {
    if (thread_.joinable()) return;
    const SignalsBlocked blocked;
    thread_ = std::thread([this] { run(); });
}

void IoThread::run() {
    std::vector<Led> led;
    for (;;) {
        std::vector<LaneDriver*> lanes;
        std::vector<LaneRequest*> done;
        bool stopping = false;
        {
            MutexLock lock(mutex_);
            lanes.swap(new_lanes_);
            done.swap(done_);
            stopping = stopping_;
        }
        for (LaneDriver* lane : lanes) led.push_back({lane, lane->lead(true)});
        for (LaneRequest* request : done) request->complete(*request);
        led.erase(std::remove_if(led.begin(), led.end(), [](const Led& one) { return one.step.over; }), led.end());
        if (stopping && led.empty() && done.empty()) return;
        wait(led);
    }
}

void IoThread::wait(std::vector<Led>& led) {
    std::vector<pollfd> entries{{wake_.descriptor(), POLLIN, 0}};
    for (const Led& one : led) {
        entries.push_back({one.lane->wake_up().descriptor(), POLLIN, 0});
        entries.push_back({one.step.socket, one.step.events, 0});
    }
    poll_until(entries, Deadline::never());
    if (entries[0].revents != 0) wake_.clear();
    for (std::size_t i = 0; i < led.size(); ++i) {
        const bool woken = entries[2 * i + 1].revents != 0;
        if (woken) led[i].lane->wake_up().clear();
        if (woken || entries[2 * i + 2].revents != 0) led[i].step = led[i].lane->lead(true);
    }
}

void IoThread::make_connections() {
    for (;;) {
        std::pair<LaneDriver*, Deadline> next;
        {
            MutexLock lock(mutex_);
            while (to_connect_.empty() && !finished_) connect_.wait(mutex_);
            if (to_connect_.empty()) return;
            next = to_connect_.front();
            to_connect_.erase(to_connect_.begin());
        }
        next.first->connect_for_io(next.second);
        next.first->wake_up().wake();
    }
}

}  // namespace stele
