// Renews the claims of a process while it computes, and passes on what it writes.
#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.hpp"
#include "cache/once/answer_stream.hpp"
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

    /// The claim is renewed three times a lease as long as this lives. Once it is known that somebody elsewhere reads
    /// along, what is in the stream is passed on ten times a second.
    class Held {
    public:
        /// The stream must outlive it.
        Held(ClaimKeeper& keeper, const ComputeClaim& claim, const AnswerStream& stream);
        Held(const Held&) = delete;
        Held& operator=(const Held&) = delete;
        ~Held();
        /// Whether anything was passed on.
        bool told() const;

    private:
        friend class ClaimKeeper;
        ClaimKeeper& keeper_;
        const ComputeClaim claim_;
        const AnswerStream& stream_;
        Deadline::Clock::time_point due_, tell_ = Deadline::Clock::time_point::max();
        std::size_t told_ = 0;  // bytes
        std::list<Held*>::iterator place_;
    };

private:
    struct Piece {
        ComputeClaim claim;
        std::size_t from;
        std::string text;
    };
    struct Due {
        std::vector<ComputeClaim> claims;
        std::vector<Piece> pieces;
        Deadline::Clock::time_point next = Deadline::Clock::time_point::max();
    };
    void run();
    Due what_is_due(Deadline::Clock::time_point now) STELE_REQUIRES(mutex_);
    void renew(const std::vector<ComputeClaim>& due) STELE_EXCLUDES(mutex_);
    void tell(const Piece& piece);

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
