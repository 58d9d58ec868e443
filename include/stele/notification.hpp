// What other sessions tell through NOTIFY, and how to end a wait for it.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "stele/export.hpp"

namespace stele {
class WakeUp;

inline namespace v0 {

/// Sent by NOTIFY or pg_notify(), when the sender committed.
struct Notification {
    std::string channel;
    std::string payload;
    int backend_pid = 0;  ///< of the sender's session
};

/// Ends the waits of one Connection. Small, copyable, thread-safe; may outlive the connection, and does nothing then.
class STELE_API Waker {
public:
    /// The wait_notification() under way returns nothing, or else the next one that would wait. Several calls before
    /// that count as one. Does not block.
    void wake() const noexcept;

private:
    friend class Connection;
    explicit Waker(std::shared_ptr<const WakeUp> wake_up) : wake_up_(std::move(wake_up)) {}
    std::shared_ptr<const WakeUp> wake_up_;
};

}  // namespace v0
}  // namespace stele
