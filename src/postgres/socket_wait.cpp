#include "postgres/socket_wait.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <ctime>

namespace stele {
namespace {

timespec time_until(Deadline deadline) {
    const auto left = deadline.remaining();
    const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
    return {static_cast<std::time_t>(seconds.count()),
            static_cast<long>(std::chrono::nanoseconds(left - seconds).count())};
}

}  // namespace

int poll_until(std::span<pollfd> entries, Deadline deadline) noexcept {
    for (;;) {
        timespec left{};
        if (!deadline.is_never()) left = time_until(deadline);
        const int count = ::ppoll(entries.data(), entries.size(), deadline.is_never() ? nullptr : &left, nullptr);
        if (count >= 0 || (errno != EINTR && errno != EAGAIN)) return count;
    }
}

Woken wait_for(int socket, short events, Deadline deadline, const WakeUp* wake_up) noexcept {
    std::array<pollfd, 2> entries = {pollfd{socket, events, 0}, pollfd{-1, POLLIN, 0}};
    if (wake_up != nullptr) entries[1].fd = wake_up->descriptor();
    const int count = poll_until(std::span(entries).first(wake_up == nullptr ? 1 : 2), deadline);
    if (count == 0) return Woken::expired;
    if (wake_up == nullptr || count < 0 || entries[0].revents != 0) return Woken::ready;
    wake_up->clear();
    return Woken::woken;
}

}  // namespace stele
