#include "cache/once/background.hpp"

#include <utility>

#include "base/signals_blocked.hpp"

namespace stele {

Background::~Background() {
    stop();
    std::vector<std::thread> over;
    {
        MutexLock lock(mutex_);
        over.swap(threads_);
    }
    for (std::thread& thread : over) thread.join();
}

void Background::post(std::function<void()> task) {
    MutexLock lock(mutex_);
    if (stopping_ || tasks_.size() >= kQueue) return;
    tasks_.push_back(std::move(task));
    if (tasks_.size() > idle_ && threads_.size() < kThreads) {
        const SignalsBlocked blocked;
        threads_.emplace_back([this] { run(); });
    }
    change_.notify_one();
}

void Background::stop() noexcept {
    std::deque<std::function<void()>> dropped;  // without the lock
    MutexLock lock(mutex_);
    stopping_ = true;
    dropped.swap(tasks_);
    change_.notify_all();
}

void Background::run() {
    for (;;) {
        std::function<void()> task;
        {
            MutexLock lock(mutex_);
            ++idle_;
            while (tasks_.empty() && !stopping_) change_.wait(mutex_);
            --idle_;
            if (tasks_.empty()) return;
            task = std::move(tasks_.front());
            tasks_.pop_front();
        }
        task();
    }
}

}  // namespace stele
