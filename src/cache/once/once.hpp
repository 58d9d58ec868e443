// What the computations of one cache have in common.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "base/mutex.hpp"
#include "base/result.hpp"
#include "cache/cache_store.hpp"
#include "cache/once/claim_keeper.hpp"
#include "cache/once/flight.hpp"

namespace stele {

/// Thread-safe.
class Once {
public:
    /// The store has claims.
    explicit Once(std::shared_ptr<CacheStore> in)
        : store_(std::move(in)), keeper(*store_->claims(), [store = store_](const std::string& failure) {
              store->log(LogLevel::warning, failure);
          }) {}

    Claims& claims() const noexcept { return *store_->claims(); }

    /// A renewal in the background, from its being planned to its end.
    class Renewing {
    public:
        explicit Renewing(Once& once) : once_(once) {
            MutexLock lock(once_.mutex_);
            ++once_.renewing_;
        }
        Renewing(const Renewing&) = delete;
        Renewing& operator=(const Renewing&) = delete;
        ~Renewing() {
            MutexLock lock(once_.mutex_);
            --once_.renewing_;
            once_.over_.notify_all();
        }

    private:
        Once& once_;
    };
    /// Tells those in the background to end, and waits for it.
    void drain(Deadline deadline) {
        closing = true;
        MutexLock lock(mutex_);
        while (renewing_ > 0) {
            if (deadline.is_never()) {
                over_.wait(mutex_);
            } else if (over_.wait_until(mutex_, deadline.point()) == std::cv_status::timeout && renewing_ > 0) {
                raise(ErrorCode::deadline_exceeded,
                      "the deadline passed while answers were being renewed in the background; a computation can look "
                      "at AnswerSink::wanted");
            }
        }
    }

private:
    const std::shared_ptr<CacheStore> store_;

public:
    Flights flights;
    ClaimKeeper keeper;
    std::atomic<std::int64_t> computed{0}, shared{0}, failures{0}, stale{0};
    std::atomic<bool> closing{false};

private:
    Mutex mutex_;
    Condition over_;
    std::size_t renewing_ STELE_GUARDED_BY(mutex_) = 0;
};

}  // namespace stele
