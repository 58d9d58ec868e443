#include "postgres/cancel_gate.hpp"

#include "stele/canceller.hpp"

namespace stele {

Result<void> CancelGate::cancel() {
    MutexLock one_at_a_time(sending_);
    {
        MutexLock lock(mutex_);
        if (revoked_) return {};
        under_way_ = true;
        ++changes_;
    }
    Result<void> sent = request_.send();
    MutexLock lock(mutex_);
    under_way_ = false;
    ++changes_;
    return sent;
}

bool CancelGate::revoke() noexcept {
    MutexLock lock(mutex_);
    revoked_ = true;
    return !under_way_;
}

std::uint64_t CancelGate::mark() const noexcept {
    MutexLock lock(mutex_);
    return changes_;
}

bool CancelGate::used_since(std::uint64_t mark) const noexcept {
    MutexLock lock(mutex_);
    return changes_ != mark || under_way_;
}

inline namespace v0 {

void Canceller::cancel() const {
    value_or_raise(gate_->cancel());
}

}  // namespace v0
}  // namespace stele
