// Renews the claims of a process while it computes.
#pragma once

#include <functional>
#include <list>
#include <string>
#include <thread>

#include "base/mutex.hpp"
#include "cache/once/claims.hpp"

namespace stele {

/// One thread, started by the first claim, for all of a cache. Thread-safe.
class ClaimKeeper {
public:
    using Log = std::function<void(const std::string&)>;

    /// `claims` must outlive it.
    ClaimKeeper(Claims& claims, Log log) : claims_(claims), log_(std::move(log)) {}
    ClaimKeeper(const ClaimKeeper&) = delete;
    ClaimKeeper& operator=(const ClaimKeeper&) = delete;
    ~ClaimKeeper();

    /// The claim is renewed three times a lease as long as this lives.
    class Held {
    public:
        Held(ClaimKeeper& keeper, const ComputeClaim& claim);
        Held(const Held&) = delete;
        Held& operator=(const Held&) = delete;
        ~Held();

    private:
        friend class ClaimKeeper;
        ClaimKeeper& keeper_;
        const ComputeClaim claim_;
        Deadline::Clock::time_point due_;
        std::list<Held*>::iterator place_;
    };

private:
    void run();
    void renew(const std::vector<ComputeClaim>& due);

    Claims& claims_;
    const Log log_;
    Mutex mutex_;
    Condition change_;
    bool stopping_ STELE_GUARDED_BY(mutex_) = false;
    std::list<Held*> held_ STELE_GUARDED_BY(mutex_);
    std::thread thread_ STELE_GUARDED_BY(mutex_);
    bool failing_ = false;  // of the thread
};

}  // namespace stele
