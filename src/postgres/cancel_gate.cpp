#include "postgres/cancel_gate.hpp"

#include "postgres/wire.hpp"
#include "stele/canceller.hpp"

namespace stele {

#ifdef LIBPQ_HAS_ASYNC_CANCEL
CancelGate::CancelGate(Wire& wire) : request_(PQcancelCreate(wire.connection_.get())) {
    if (wire.broken() || !request_ || PQcancelStatus(request_.get()) == CONNECTION_BAD) {
        raise(ErrorCode::closed, "this connection was lost; take a new one from the database");
    }
}

Result<void> CancelGate::send() {
    const bool sent = PQcancelBlocking(request_.get()) == 1;
    ErrorInfo error;
    if (!sent) {
        error = make_error(ErrorCode::unavailable, "the server could not be asked to cancel");
        error.server_message = PQcancelErrorMessage(request_.get());
    }
    PQcancelReset(request_.get());
    if (!sent) return fail(std::move(error));
    return {};
}
#else
CancelGate::CancelGate(Wire& wire) : request_(PQgetCancel(wire.connection_.get())) {
    if (wire.broken() || !request_) {
        raise(ErrorCode::closed, "this connection was lost; take a new one from the database");
    }
}

Result<void> CancelGate::send() {
    char reason[256] = "";
    if (PQcancel(request_.get(), reason, sizeof reason) == 1) return {};
    ErrorInfo error = make_error(ErrorCode::unavailable, "the server could not be asked to cancel");
    error.server_message = reason;
    return fail(std::move(error));
}
#endif

Result<void> CancelGate::cancel() {
    MutexLock one_at_a_time(sending_);
    {
        MutexLock lock(mutex_);
        if (revoked_) return {};
        ++under_way_;
        ++changes_;
    }
    Result<void> sent = send();
    MutexLock lock(mutex_);
    --under_way_;
    ++changes_;
    return sent;
}

bool CancelGate::revoke() noexcept {
    MutexLock lock(mutex_);
    revoked_ = true;
    return under_way_ == 0;
}

std::uint64_t CancelGate::mark() const noexcept {
    MutexLock lock(mutex_);
    return changes_;
}

bool CancelGate::used_since(std::uint64_t mark) const noexcept {
    MutexLock lock(mutex_);
    return changes_ != mark || under_way_ > 0;
}

inline namespace v0 {

void Canceller::cancel() const {
    value_or_raise(gate_->cancel());
}

}  // namespace v0
}  // namespace stele
