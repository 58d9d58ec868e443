// One load that several callers wait for.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <string_view>
#include <thread>
#include <typeinfo>
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

    /// `loader`: that of another thread, if this one only begins it.
    explicit SharedLoad(Deadline deadline, std::thread::id loader = std::this_thread::get_id())
        : deadline_(deadline), loader_(loader) {}

    void succeed(Pointer value) STELE_EXCLUDES(mutex_) {
        const MutexLock lock(mutex_);
        value_ = std::move(value);
        ended_ = true;
        change_.notify_all();
    }
    /// To be called where an exception is handled: with that one.
    void fail() STELE_EXCLUDES(mutex_) {
        bool own = deadline_.expired();
        std::optional<ErrorInfo> info;
        try {
            throw;
        } catch (const Error& error) {
            // a server's time limit may end a little before the deadline that it was made from
            own = own || error.code() == ErrorCode::cancelled ||
                  (error.code() == ErrorCode::deadline_exceeded && !deadline_.is_never());
            if (typeid(error) == typeid(Error)) info = copy_of(error);
        } catch (...) {
            info.reset();  // it is shared as it is
        }
        const MutexLock lock(mutex_);
        error_ = std::move(info);
        if (!error_) exception_ = std::current_exception();
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
        if (!error_ && !exception_) return value_;
        if (failed_for_its_caller_ && !deadline.expired()) return std::nullopt;
        if (error_) raise(*error_);
        std::rethrow_exception(exception_);
    }

private:
    /// Nothing without memory: those who wait must be woken all the same.
    static std::optional<ErrorInfo> copy_of(const Error& error) noexcept {
        try {
            return error.info();
        } catch (const std::bad_alloc&) {
            return std::nullopt;
        }
    }

    const Deadline deadline_;
    const std::thread::id loader_;
    Mutex mutex_;
    Condition change_;
    bool ended_ STELE_GUARDED_BY(mutex_) = false;
    bool failed_for_its_caller_ STELE_GUARDED_BY(mutex_) = false;
    Pointer value_ STELE_GUARDED_BY(mutex_);
    // To each his own copy, so that no thread sees what another does to it; of other types there is but one object.
    std::optional<ErrorInfo> error_ STELE_GUARDED_BY(mutex_);
    std::exception_ptr exception_ STELE_GUARDED_BY(mutex_);
};

}  // namespace stele
