// A few threads for what nobody waits for.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "base/mutex.hpp"

namespace stele {

/// Started with the first task. Thread-safe.
class Background {
public:
    static constexpr std::size_t kThreads = 2, kQueue = 64;

    Background() = default;
    Background(const Background&) = delete;
    Background& operator=(const Background&) = delete;
    /// Waits for those under way; the others are destroyed.
    ~Background();

    /// A task must not throw. Where too many wait already, it is destroyed at once, as are those of after stop().
    void post(std::function<void()> task) STELE_EXCLUDES(mutex_);
    /// Destroys those that have not begun.
    void stop() noexcept STELE_EXCLUDES(mutex_);

private:
    void run() STELE_EXCLUDES(mutex_);

    Mutex mutex_;
    Condition change_;
    bool stopping_ STELE_GUARDED_BY(mutex_) = false;
    std::size_t idle_ STELE_GUARDED_BY(mutex_) = 0;
    std::deque<std::function<void()>> tasks_ STELE_GUARDED_BY(mutex_);
    std::vector<std::thread> threads_ STELE_GUARDED_BY(mutex_);
};

}  // namespace stele
