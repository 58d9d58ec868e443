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

/// For one that stays open while others work: PostgreSQL keeps the snapshot of the last SELECT until the next
/// statement, and a CREATE INDEX CONCURRENTLY anywhere in the database waits for it. The transaction has written,
/// locked or is read-only: else a question for its id follows each statement.
inline void leave_no_snapshot(Executor& transaction) {
    transaction.execute("SET LOCAL lock_timeout = 0");
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
