// Deadlines as the server takes them.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <string>

#include "stele/deadline.hpp"

namespace stele {

/// For lock_timeout and statement_timeout, in which 0 means none: the milliseconds until the deadline, at most `limit`
/// unless that is 0.
inline std::string server_timeout(Deadline deadline, std::chrono::milliseconds limit = {}) {
    if (deadline.is_never()) return std::to_string(limit.count());
    std::int64_t left = std::chrono::ceil<std::chrono::milliseconds>(deadline.remaining()).count();
    if (limit.count() > 0) left = std::min<std::int64_t>(left, limit.count());
    return std::to_string(std::clamp<std::int64_t>(left, 1, std::numeric_limits<std::int32_t>::max()));
}

}  // namespace stele
