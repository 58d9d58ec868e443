#include "stele/notification.hpp"

#include <poll.h>

#include <algorithm>
#include <array>

#include "postgres/server_error.hpp"
#include "postgres/wake_up.hpp"
#include "postgres/wire.hpp"

namespace stele {
namespace {

struct Free {
    void operator()(PGnotify* notice) const noexcept { PQfreemem(notice); }
};
using Kept = std::unique_ptr<PGnotify, Free>;

enum class Woken : unsigned char { readable, woken, expired };

Woken wait(int socket, const WakeUp* wake_up, Deadline deadline) {
    const int other = wake_up == nullptr ? -1 : wake_up->descriptor();  // poll passes over -1
    std::array<pollfd, 2> entries = {pollfd{socket, POLLIN, 0}, pollfd{other, POLLIN, 0}};
    for (;;) {
        int timeout = -1;
        if (!deadline.is_never()) {
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline.remaining());
            timeout = static_cast<int>(std::min<std::int64_t>(left.count(), 3'600'000));
        }
        const int count = ::poll(entries.data(), entries.size(), timeout);
        if (count > 0 && entries[0].revents != 0) return Woken::readable;
        if (count > 0) {
            wake_up->clear();
            return Woken::woken;
        }
        if (count == 0 && deadline.expired()) return Woken::expired;
    }
}

}  // namespace

inline namespace v0 {

void Waker::wake() const noexcept {
    wake_up_->wake();
}

}  // namespace v0

Result<std::optional<Notification>> Wire::wait_notification(const WakeUp* wake_up, Deadline deadline) {
    PGconn* connection = connection_.get();
    for (;;) {
        // before the wait, too: with TLS, what is left of a record does not make the socket readable
        const bool connected = PQconsumeInput(connection) == 1;
        if (const Kept kept{PQnotifies(connection)}) {
            return Notification{kept->relname, kept->extra == nullptr ? "" : kept->extra, kept->be_pid};
        }
        if (!connected || PQstatus(connection) != CONNECTION_OK) {
            broken_ = true;
            ErrorInfo error = lost_error(connection);
            error.message =
                "the connection was lost, and notifications may have been missed; take a new one, listen, and look "
                "again";
            return fail(std::move(error));
        }
        if (wait(PQsocket(connection), wake_up, deadline) != Woken::readable) return std::nullopt;
    }
}

void Wire::drop_notifications() noexcept {
    while (const Kept kept{PQnotifies(connection_.get())}) {
    }
}

}  // namespace stele
