#include "interrupt_guard.hpp"

#include <atomic>

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

}  // namespace stele::cli
