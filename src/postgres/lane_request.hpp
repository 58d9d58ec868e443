// What a caller of a lane asks for, and how it learns the answer.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <optional>
#include <span>

#include "stele/deadline.hpp"
#include "stele/error.hpp"
#include "stele/rows.hpp"
#include "stele/statement.hpp"

namespace stele {

/// Lives until it is done. A caller that waits in a call has it on its stack; for others complete() is called, once,
/// from whichever thread has the answer, without any lock held.
struct LaneRequest {
    enum class State : std::uint8_t { waiting, leads, done };

    std::span<const Statement> statements;  // one, or a batch that shares its Sync with nobody
    std::span<Rows> answers;                // one a statement
    Deadline deadline;
    void (*complete)(LaneRequest&) noexcept = nullptr;  // null: its caller waits

    std::optional<ErrorInfo> error;  // none: it is answered
    bool lacked_connection = false;  // its deadline passed while there was none: the pool knows why
    std::atomic<State> state{State::waiting};
    Deadline::Clock::time_point waits_since{};  // to be sent; for who measures
    std::uint8_t bell = 0;                      // of its lane: where it is woken
    std::uint32_t mark = 0;                     // of its own on that bell
};

inline bool is_repeatable(const LaneRequest& request) {
    return std::all_of(request.statements.begin(), request.statements.end(),
                       [](const Statement& statement) { return statement.is_repeatable(); });
}

}  // namespace stele
