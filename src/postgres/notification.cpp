#include "stele/notification.hpp"

#include <poll.h>

#include "postgres/server_error.hpp"
#include "postgres/socket_wait.hpp"
#include "postgres/wake_up.hpp"
#include "postgres/wire.hpp"

namespace stele {
namespace {

struct Free {
    void operator()(PGnotify* notice) const noexcept { PQfreemem(notice); }
};
using Kept = std::unique_ptr<PGnotify, Free>;

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
        if (wait_for(PQsocket(connection), POLLIN, deadline, wake_up) != Woken::ready) return std::nullopt;
    }
}

void Wire::drop_notifications() noexcept {
    while (const Kept kept{PQnotifies(connection_.get())}) {
    }
}

}  // namespace stele
