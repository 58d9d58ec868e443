#include "cache/once/claim_keeper.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/signals_blocked.hpp"

namespace stele {

ClaimKeeper::~ClaimKeeper() {
    std::thread over;
    {
        MutexLock lock(mutex_);
        stopping_ = true;
        over.swap(thread_);
        change_.notify_all();
    }
    if (over.joinable()) over.join();
}

ClaimKeeper::Held::Held(ClaimKeeper& keeper, const ComputeClaim& claim)
    : keeper_(keeper), claim_(claim), due_(Deadline::Clock::now() + claim.lease / 3) {
    MutexLock lock(keeper_.mutex_);
    if (!keeper_.thread_.joinable()) {
        const SignalsBlocked blocked;
        keeper_.thread_ = std::thread([&keeper] { keeper.run(); });
    }
    place_ = keeper_.held_.insert(keeper_.held_.end(), this);
    keeper_.change_.notify_all();
}

ClaimKeeper::Held::~Held() {
    MutexLock lock(keeper_.mutex_);
    keeper_.held_.erase(place_);
}

void ClaimKeeper::run() {
    for (;;) {
        std::vector<ComputeClaim> due;
        {
            MutexLock lock(mutex_);
            if (stopping_) return;
            const auto now = Deadline::Clock::now();
            auto next = Deadline::Clock::time_point::max();
            for (Held* const held : held_) {
                if (held->due_ <= now) {
                    due.push_back(held->claim_);
                    held->due_ = now + held->claim_.lease / 3;
                }
                next = std::min(next, held->due_);
            }
            if (due.empty()) {
                if (held_.empty()) {
                    change_.wait(mutex_);
                } else {
                    change_.wait_until(mutex_, next);
                }
                continue;
            }
        }
        renew(due);
    }
}

// One that fails is made again when it is due the next time: there is room for that in a lease.
void ClaimKeeper::renew(const std::vector<ComputeClaim>& due) {
    const auto patience = std::min_element(due.begin(), due.end(), [](const ComputeClaim& a, const ComputeClaim& b) {
                              return a.lease < b.lease;
                          })->lease;
    try {
        claims_.renew(due, Deadline::after(patience / 3));
        failing_ = false;
    } catch (const std::exception& error) {
        if (std::exchange(failing_, true)) return;
        log_(fmt::format("what is being computed could not be said, so another process may begin it too: {}",
                         error.what()));
    }
}

}  // namespace stele
