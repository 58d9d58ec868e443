// Stopping a statement from another thread.
#pragma once

#include <memory>
#include <utility>

#include "stele/export.hpp"

namespace stele {
class CancelGate;

inline namespace v0 {

/// Cancels what runs on one Connection. Small, copyable, thread-safe; may outlive the connection. Once the connection
/// has gone back to the pool it does nothing, so that no stranger is ever cancelled.
class STELE_API Canceller {
public:
    /// Asks the server to stop the statement or copy that runs now. It then fails with Error(cancelled), SQLSTATE
    /// 57014, unless it was done before; when nothing runs, nothing happens. Returns when the server has been told, or
    /// throws Error(unavailable) when it cannot be. It takes a connection to the server for a moment: with libpq 17 one
    /// with the connection string's own encryption and connect_timeout; with an older libpq unencrypted, and for as
    /// long as the system tries.
    void cancel() const;

private:
    friend class Connection;
    explicit Canceller(std::shared_ptr<CancelGate> gate) : gate_(std::move(gate)) {}
    std::shared_ptr<CancelGate> gate_;
};

}  // namespace v0
}  // namespace stele
