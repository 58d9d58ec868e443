#include "postgres/socket_wait.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace stele {
namespace {

int milliseconds_until(Deadline deadline) {
    constexpr std::int64_t kHour = 3'600'000;  // fits, and is asked again
    if (deadline.is_never()) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline.remaining());
    return static_cast<int>(std::min<std::int64_t>(left.count(), kHour));
}

}  // namespace

Woken wait_for(int socket, short events, Deadline deadline, const WakeUp* wake_up) noexcept {
    std::array<pollfd, 2> entries = {pollfd{socket, events, 0}, pollfd{-1, POLLIN, 0}};
    if (wake_up != nullptr) entries[1].fd = wake_up->descriptor();
    for (;;) {
        const int count = ::poll(entries.data(), wake_up == nullptr ? 1 : 2, milliseconds_until(deadline));
        if (count < 0 && errno != EINTR && errno != EAGAIN) return Woken::ready;
        if (count > 0 && entries[0].revents != 0) return Woken::ready;
        if (count > 0) {
            wake_up->clear();
            return Woken::woken;
        }
        if (count == 0 && deadline.expired()) return Woken::expired;
    }
}

}  // namespace stele
