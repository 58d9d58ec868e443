// Cancels what runs on a connection, as long as it is on loan to those who may.
#pragma once

#include <cstdint>

#include "base/mutex.hpp"
#include "base/result.hpp"
#include "postgres/cancel_request.hpp"

namespace stele {

/// The server is given the number of a session and stops whatever that session runs at the moment. So a request can hit
/// a stranger only while it is under way, and a connection that goes back to the pool then must be closed. Thread-safe.
class CancelGate {
public:
    explicit CancelGate(CancelRequest request) : request_(std::move(request)) {}

    /// Does nothing once revoked.
    Result<void> cancel() STELE_EXCLUDES(sending_, mutex_);
    /// The loan is over. False: a request is under way.
    bool revoke() noexcept STELE_EXCLUDES(mutex_);

    std::uint64_t mark() const noexcept STELE_EXCLUDES(mutex_);
    /// Whether a request was, or is, under way since the mark was taken.
    bool used_since(std::uint64_t mark) const noexcept STELE_EXCLUDES(mutex_);

private:
    Mutex sending_;
    CancelRequest request_ STELE_GUARDED_BY(sending_);
    mutable Mutex mutex_;
    bool revoked_ STELE_GUARDED_BY(mutex_) = false;
    bool under_way_ STELE_GUARDED_BY(mutex_) = false;
    std::uint64_t changes_ STELE_GUARDED_BY(mutex_) = 0;  // of under_way_
};

}  // namespace stele
