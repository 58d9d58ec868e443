// One load that several callers wait for.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include "base/mutex.hpp"
#include "base/result.hpp"
#include "stele/deadline.hpp"

namespace stele {

/// Made by the caller that loads, on its thread; thread-safe. It ends once, with succeed() or fail().
template <class Value>
class SharedLoad {
public:
    using Pointer = std::shared_ptr<const Value>;

    explicit SharedLoad(Deadline deadline) : deadline_(deadline) {}

    void succeed(Pointer value) STELE_EXCLUDES(mutex_) {
        const MutexLock lock(mutex_);
        value_ = std::move(value);
        ended_ = true;
        change_.notify_all();
    }
    void fail(std::exception_ptr error) STELE_EXCLUDES(mutex_) {
        const bool own = owed_to_the_caller(error);
        const MutexLock lock(mutex_);
        error_ = std::move(error);
        failed_for_its_caller_ = own;
        ended_ = true;
        change_.notify_all();
    }

    /// For the others: throws what the load threw. Nothing if that says only that its caller had no more time, or was
    /// cancelled, and this one has: it may load itself.
    std::optional<Pointer> wait(std::string_view key, Deadline deadline) STELE_EXCLUDES(mutex_) {
        if (loader_ == std::this_thread::get_id()) {
            raise(ErrorCode::internal, fmt::format("the load of \"{}\" asks for its own result", key));
        }
        const auto since = Deadline::Clock::now();
        const MutexLock lock(mutex_);
        while (!ended_) {
            if (deadline.is_never()) {
                change_.wait(mutex_);
            } else if (change_.wait_until(mutex_, deadline.point()) == std::cv_status::timeout && !ended_) {
                const auto waited =
                    std::chrono::duration_cast<std::chrono::milliseconds>(Deadline::Clock::now() - since);
                raise(ErrorCode::deadline_exceeded,
                      fmt::format("the deadline passed after {} ms of waiting for another caller that loads \"{}\"",
                                  waited.count(), key));
            }
        }
        if (!error_) return value_;
        if (failed_for_its_caller_ && !deadline.expired()) return std::nullopt;
        std::rethrow_exception(error_);
    }

private:
    bool owed_to_the_caller(const std::exception_ptr& error) const {
        if (deadline_.expired()) return true;
        try {
            std::rethrow_exception(error);
        } catch (const Error& known) {
            // a server's time limit may end a little before the deadline that it was made from
            return known.code() == ErrorCode::cancelled ||
                   (known.code() == ErrorCode::deadline_exceeded && !deadline_.is_never());
        } catch (...) {
            return false;
        }
    }

    const Deadline deadline_;
    const std::thread::id loader_ = std::this_thread::get_id();
    Mutex mutex_;
    Condition change_;
    bool ended_ STELE_GUARDED_BY(mutex_) = false;
    bool failed_for_its_caller_ STELE_GUARDED_BY(mutex_) = false;
    Pointer value_ STELE_GUARDED_BY(mutex_);
    std::exception_ptr error_ STELE_GUARDED_BY(mutex_);
};

}  // namespace stele
