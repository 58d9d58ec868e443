// Who may compute the answer to a question.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

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

/// What has been written of an answer.
struct ClaimText {
    std::optional<Uuid> whose{};  // the token of who computes it; nothing: nobody does
    std::string text{};           // as far as there is no gap
};

/// So long it is known that somebody wants to read along.
inline constexpr std::chrono::seconds kFollowed{10};

/// Times are the store's. Thread-safe. Calls throw Error.
class Claims {
public:
    virtual ~Claims() = default;

    /// Unless somebody has it, or the answer is there. Taking it again changes nothing.
    virtual ClaimLook take(const ComputeClaim& claim, Deadline deadline) = 0;
    /// From now on for another lease; those that are not held any more are left out. Says of which somebody elsewhere
    /// wants to read along, by their tokens.
    virtual std::vector<Uuid> renew(std::span<const ComputeClaim> claims, Deadline deadline) = 0;
    /// Without an answer. One that is not held any more stays whose it is.
    virtual void release(const ComputeClaim& claim, Deadline deadline) = 0;

    /// What whoever has the claim of this question has written from that byte on.
    /// From now on for some seconds it is known that somebody wants to read it.
    virtual ClaimText read_text(const ComputeClaim& claim, std::size_t from, Deadline deadline) = 0;
    /// For those: so much more, from that byte on. Nothing happens where the claim is not held any more.
    virtual void write_text(const ComputeClaim& claim, std::size_t from, std::string_view text, Deadline deadline) = 0;
    /// Removes what was written, once the claim has ended.
    virtual void forget_text(const ComputeClaim& claim, Deadline deadline) = 0;

    /// Told when something about a question was changed.
    virtual Watches& watches() noexcept = 0;
    /// To be called by who waits, each time: what tells the watches goes on meanwhile.
    virtual void awaited() noexcept {}
};

}  // namespace stele
