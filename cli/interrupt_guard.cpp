#include "interrupt_guard.hpp"

#include <algorithm>
#include <atomic>
#include <thread>

namespace stele::cli {
namespace {

// A signal handler may touch nothing else.
std::atomic<int> signal_caught = 0;
static_assert(std::atomic<int>::is_always_lock_free);
struct sigaction interrupt_before{};

void remember(int signal) {
    const bool again = signal_caught.exchange(signal) != 0;
    if (!again || signal != SIGINT) return;
    sigaction(signal, &interrupt_before, nullptr);
    std::raise(signal);
}

}  // namespace

InterruptGuard::InterruptGuard(std::initializer_list<int> signals) {
    signal_caught = 0;
    for (const int signal : signals) {
        struct sigaction before{};
        sigaction(signal, nullptr, &before);
        if (before.sa_handler == SIG_IGN) continue;
        if (signal == SIGINT) interrupt_before = before;
        struct sigaction ours{};
        ours.sa_handler = remember;
        ours.sa_flags = SA_RESTART;
        sigaction(signal, &ours, nullptr);
        before_.emplace_back(signal, before);
    }
}

InterruptGuard::~InterruptGuard() {
    for (const auto& [signal, before] : before_) sigaction(signal, &before, nullptr);
}

int InterruptGuard::caught() noexcept {
    return signal_caught;
}

void InterruptGuard::rest(std::chrono::steady_clock::duration length, const std::optional<Deadline>& end) {
    constexpr std::chrono::steady_clock::duration kNap = std::chrono::milliseconds(50);
    for (auto left = length; left.count() > 0 && caught() == 0; left -= kNap) {
        if (end && end->expired()) return;
        std::this_thread::sleep_for(std::min(left, kNap));
    }
}

}  // namespace stele::cli
