// Who may compute the answer to a question.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>

#include "cache/once/watches.hpp"
#include "stele/deadline.hpp"
#include "stele/semantic_cache.hpp"
#include "stele/uuid.hpp"

namespace stele {

/// The right to compute one answer; its token, a new one each time, stands in the table while it is held.
struct ComputeClaim {
    std::string name_space, hash;
    std::chrono::milliseconds lease{};
    Uuid token = Uuid::v7();
    bool replaced = false;  // a put was refused, since another one's token stands there, or none
};

/// What was found when a claim was to be taken.
struct ClaimLook {
    bool taken = false;
    std::optional<Hit> hit{};          // a live answer: then nothing is taken
    std::chrono::milliseconds left{};  // else: until the lease of whoever has it is over
};

/// Times are the store's. Thread-safe. Calls throw Error.
class Claims {
public:
    virtual ~Claims() = default;

    /// Unless somebody has it, or the answer is there. Taking it again changes nothing.
    virtual ClaimLook take(const ComputeClaim& claim, Deadline deadline) = 0;
    /// From now on for another lease; those that are not held any more are left out.
    virtual void renew(std::span<const ComputeClaim> claims, Deadline deadline) = 0;
    /// Without an answer. One that is not held any more stays whose it is.
    virtual void release(const ComputeClaim& claim, Deadline deadline) = 0;
    /// Told when something about a question was changed.
    virtual Watches& watches() noexcept = 0;
    /// To be called by who waits, each time: what tells the watches goes on meanwhile.
    virtual void awaited() noexcept {}
};

}  // namespace stele
