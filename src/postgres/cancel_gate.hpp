// Cancels what runs on a connection, as long as it is on loan to those who may.
#pragma once

#include <libpq-fe.h>

#include <cstdint>
#include <memory>

#include "base/mutex.hpp"
#include "base/result.hpp"

namespace stele {

class Wire;

/// The server is given the number of a session and stops whatever that session runs at the moment. When PQcancel
/// returns the signal has been sent; a session that runs nothing ignores it. So a cancel can hit a stranger only while
/// it is under way, and a connection that goes back then must be closed. Thread-safe.
class CancelGate {
public:
    /// On the thread that has the connection. Error(closed) when it is lost.
    explicit CancelGate(Wire& wire);

    /// Does nothing once revoked.
    Result<void> cancel() STELE_EXCLUDES(mutex_);
    /// The loan is over. False: a cancel is under way.
    bool revoke() noexcept STELE_EXCLUDES(mutex_);

    /// Whether a cancel was, or is, under way after the mark was taken.
    std::uint64_t mark() const noexcept STELE_EXCLUDES(mutex_);
    bool used_since(std::uint64_t mark) const noexcept STELE_EXCLUDES(mutex_);

private:
#ifdef LIBPQ_HAS_ASYNC_CANCEL
    using Request = PGcancelConn;
    static void free_request(Request* request) noexcept { PQcancelFinish(request); }
#else
    using Request = PGcancel;
    static void free_request(Request* request) noexcept { PQfreeCancel(request); }
#endif
    struct Free {
        void operator()(Request* request) const noexcept { free_request(request); }
    };
    Result<void> send() STELE_REQUIRES(sending_);

    Mutex sending_;  // one request at a time
    std::unique_ptr<Request, Free> request_ STELE_GUARDED_BY(sending_);
    mutable Mutex mutex_;
    bool revoked_ STELE_GUARDED_BY(mutex_) = false;
    std::uint64_t under_way_ STELE_GUARDED_BY(mutex_) = 0;
    std::uint64_t changes_ STELE_GUARDED_BY(mutex_) = 0;  // of under_way_
};

}  // namespace stele
