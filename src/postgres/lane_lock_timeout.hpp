// How long the statements of a lane wait for what another session has locked.
#pragma once

#include <chrono>
#include <optional>
#include <span>

#include "postgres/lane_group.hpp"
#include "postgres/pool.hpp"
#include "stele/rows.hpp"
#include "stele/statement.hpp"

namespace stele {

/// Writes wait for `timeout` at most. Where sessions are kept, that is set once for the session and left there, so that
/// a lone write is one statement. Whoever uses the connection for something else undoes it; readers only when it has
/// cut one of them short, which the lane makes good. Of whoever leads.
class LaneLockTimeout {
public:
    /// `timeout`: 0 for a lane that does not write, and for none.
    LaneLockTimeout(Lane kind, std::chrono::milliseconds timeout, bool keeps_sessions);

    /// What the group must run first on this connection; null: nothing. Lives as long as this.
    const Statement* before(LaneGroup& group, const Wire& wire);
    /// After the group was answered.
    void answered(const LaneGroup& group, Wire& wire);

private:
    const Lane kind_;
    const std::chrono::milliseconds timeout_;
    const bool keeps_sessions_;
    const std::optional<Statement> set_;  // none: nothing is to be set
    bool resets_ = false;                 // a reader was cut short
};

/// As Pool::acquire; what a write lane has left is undone.
Result<Lease> acquire_without_lock_timeout(Pool& pool, Deadline deadline);
/// As Wire::run, and undoes it, without a round trip of its own for several statements. One alone may be of those that
/// share a transaction with nothing.
Result<void> run_without_lock_timeout(Wire& wire, std::span<const Statement> statements, std::span<Rows> answers,
                                      Deadline deadline);

}  // namespace stele
