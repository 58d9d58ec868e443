// Waiting for a socket without one of its own loops in every place.
#pragma once

#include <poll.h>

#include <span>

#include "postgres/wake_up.hpp"
#include "stele/deadline.hpp"

namespace stele {

/// Until one of them is ready, or the deadline: 0. As poll() in all else, but not interrupted by signals.
int poll_until(std::span<pollfd> entries, Deadline deadline) noexcept;

enum class Woken : unsigned char { ready, woken, expired };

/// Until the socket is ready for one of the poll() events (or has failed: whoever reads it next is told), somebody has
/// woken `wake_up`, or the deadline. A socket of -1 is never ready. Ready comes before woken; a wake is cleared when it
/// is returned, so none is missed.
Woken wait_for(int socket, short events, Deadline deadline, const WakeUp* wake_up = nullptr) noexcept;

}  // namespace stele
