// Ending early when the user asks for it.
#pragma once

#include <chrono>
#include <csignal>
#include <initializer_list>
#include <optional>
#include <utility>
#include <vector>

#include "stele/deadline.hpp"

namespace stele::cli {

/// While it lives, these signals are only remembered, so that there is time to tidy up. A second Ctrl-C (SIGINT) does
/// what it does otherwise; a signal that the process ignores stays ignored. One at a time.
class InterruptGuard {
public:
    explicit InterruptGuard(std::initializer_list<int> signals);
    ~InterruptGuard();
    InterruptGuard(const InterruptGuard&) = delete;
    InterruptGuard& operator=(const InterruptGuard&) = delete;

    /// The signal that came since the last guard was made; 0: none.
    static int caught() noexcept;
    /// Sleeps so long, but no longer than until a signal comes or the deadline is over.
    static void rest(std::chrono::steady_clock::duration length, const std::optional<Deadline>& end);

private:
    std::vector<std::pair<int, struct sigaction>> before_;
};

}  // namespace stele::cli
