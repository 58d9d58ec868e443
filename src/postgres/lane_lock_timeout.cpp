#include "postgres/lane_lock_timeout.hpp"

#include <fmt/format.h>

namespace stele {
namespace {

constexpr std::chrono::milliseconds kServers{0};  // as it is set up there
constexpr std::string_view kNotAvailable = "55P03";

const Statement& reset_statement() {
    static const Statement statement = Statement("RESET lock_timeout").repeatable();
    return statement;
}

// SET LOCAL would warn: the server sees no transaction block
std::optional<Statement> set_statement(std::chrono::milliseconds timeout, bool keeps_sessions) {
    if (timeout == kServers) return std::nullopt;
    return Statement("SELECT set_config('lock_timeout', $1, $2)", fmt::to_string(timeout.count()), !keeps_sessions);
}

Result<void> reset_lock_timeout(Wire& wire, Deadline deadline) {
    if (wire.lock_timeout() == kServers) return {};
    Result<Rows> done = wire.run(reset_statement(), deadline);
    if (!done) return fail(std::move(done.error()));
    wire.leave_lock_timeout(kServers);
    return {};
}

}  // namespace

LaneLockTimeout::LaneLockTimeout(Lane kind, std::chrono::milliseconds timeout, bool keeps_sessions)
    : kind_(kind), timeout_(timeout), keeps_sessions_(keeps_sessions), set_(set_statement(timeout, keeps_sessions)) {}

const Statement* LaneLockTimeout::before(LaneGroup& group, const Wire& wire) {
    const bool is_left = wire.lock_timeout() != kServers;
    const Statement* first = nullptr;
    if (kind_ == Lane::write) {
        if (set_ && !(keeps_sessions_ && wire.lock_timeout() == timeout_)) first = &*set_;
    } else if (is_left && resets_) {
        first = &reset_statement();
    }
    group.cut_short = kind_ != Lane::write && is_left && first == nullptr;
    group.first = first;
    return first;
}

void LaneLockTimeout::answered(const LaneGroup& group, Wire& wire) {
    if (group.cut_short && group.error().sqlstate == kNotAvailable) resets_ = true;
    // what failed was rolled back, this too
    if (group.first == nullptr || !keeps_sessions_ || !group.batch.succeeded()) return;
    wire.leave_lock_timeout(kind_ == Lane::write ? timeout_ : kServers);
    resets_ = false;
}

Result<Lease> acquire_without_lock_timeout(Pool& pool, Deadline deadline) {
    for (;;) {
        Result<Lease> lease = pool.acquire(deadline);
        if (!lease) return lease;
        Result<void> reset = reset_lock_timeout(lease->wire(), deadline);
        if (reset) return lease;
        // one that died meanwhile is replaced, one that has forgotten its statements prepares this anew
        const bool passes = lease->wire().broken() || is_stale_statement(reset.error());
        if (!passes || deadline.expired()) return fail(std::move(reset.error()));
    }
}

Result<void> run_without_lock_timeout(Wire& wire, std::span<const Statement> statements, std::span<Rows> answers,
                                      Deadline deadline) {
    if (wire.lock_timeout() == kServers) return wire.run(statements, answers, deadline);
    if (statements.size() == 1) {
        if (Result<void> reset = reset_lock_timeout(wire, deadline); !reset) return reset;
        return wire.run(statements, answers, deadline);
    }
    Result<void> done = wire.run(statements, answers, deadline, &reset_statement());
    if (done) wire.leave_lock_timeout(kServers);
    return done;
}

}  // namespace stele
