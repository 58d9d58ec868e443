// Asking the server to stop what a session runs.
#pragma once

#include <libpq-fe.h>

#include <memory>

#include "base/result.hpp"

namespace stele {

/// Made from a connection, and independent of it from then on. One call at a time.
class CancelRequest {
public:
    /// Error(closed) when the connection is lost.
    static Result<CancelRequest> of(PGconn* connection);

    /// Blocks, on a connection of its own, until the server has sent the signal; a session that runs nothing ignores
    /// it.
    Result<void> send();

private:
#ifdef LIBPQ_HAS_ASYNC_CANCEL
    using Handle = PGcancelConn;
    static void free_handle(Handle* handle) noexcept { PQcancelFinish(handle); }
#else
    using Handle = PGcancel;
    static void free_handle(Handle* handle) noexcept { PQfreeCancel(handle); }
#endif
    struct Free {
        void operator()(Handle* handle) const noexcept { free_handle(handle); }
    };
    explicit CancelRequest(Handle* handle) : handle_(handle) {}

    std::unique_ptr<Handle, Free> handle_;
};

}  // namespace stele
