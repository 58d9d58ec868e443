// The steps of an operation that may be sent twice and happens once. Sans-io.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/result.hpp"
#include "stele/deadline.hpp"
#include "stele/error.hpp"
#include "stele/uuid.hpp"

namespace stele {

/// Each attempt is a transaction: claim the id, work, store the outcome, commit. An attempt whose commit is in doubt is
/// followed by another, whose claim finds out: it waits for the first while that is under way.
class OnceMachine {
public:
    using Time = Deadline::Clock::time_point;

    enum class Do : std::uint8_t {
        claim,   // begin, and insert the id; answer claimed(), found() or failed()
        work,    // answer worked() or failed()
        commit,  // with the outcome; answer committed() or failed()
        sleep,   // until `until`, then slept()
        succeed,
        give_back,  // done before: the stored outcome is the answer
        fail        // error() says why
    };
    struct Action {
        Do what;
        Deadline until;
    };

    OnceMachine(int attempts, Deadline deadline) : attempts_left_(attempts), deadline_(deadline) {}

    Action begin();
    Action claimed();
    Action found();
    Action worked();
    Action committed();
    /// The attempt is over, and rolled back unless it was a commit and the error says that it is in doubt.
    Action failed(ErrorInfo error, Time now);
    Action slept();

    const ErrorInfo& error() const noexcept { return error_; }

private:
    int attempts_left_;
    Deadline deadline_;
    std::chrono::milliseconds pause_{2};
    bool committing_ = false;
    bool maybe_done_ = false;  // a commit was sent whose outcome is unknown
    ErrorInfo error_;
};

/// Whether the id's time allows to know what became of it.
Result<void> check_operation_id(const Uuid& operation, std::chrono::system_clock::time_point now);

}  // namespace stele
