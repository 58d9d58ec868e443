// The server's side of a connection.
#pragma once

#include <chrono>
#include <cstdint>

#include "stele/database.hpp"

namespace stele::test {

/// The server's process that `executor` talks to.
inline int backend_pid(Executor& executor) {
    return executor.query("SELECT pg_backend_pid()")[0].get<int>(0);
}

/// Whether that process still serves somebody.
inline bool has_session(Executor& executor, int pid) {
    return !executor.query({"SELECT FROM pg_stat_activity WHERE pid = $1", pid}).empty();
}

/// Ends the session of that process, as an administrator does. Returns when it has ended, or after `patience`.
inline void end_session(Executor& executor, int pid, std::chrono::milliseconds patience = {}) {
    executor.execute({"SELECT pg_terminate_backend($1, $2)", pid, std::int64_t{patience.count()}});
}

}  // namespace stele::test
