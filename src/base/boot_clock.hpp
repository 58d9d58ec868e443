// A steady clock that goes on while the machine sleeps.
#pragma once

#include <chrono>
#include <ctime>

namespace stele {

/// CLOCK_BOOTTIME: what was known before a laptop was closed, or a virtual machine suspended, is old afterwards.
struct BootClock {
    using duration = std::chrono::nanoseconds;  // NOLINT(readability-identifier-naming): as <chrono> names them
    using rep = duration::rep;                  // NOLINT(readability-identifier-naming)
    using period = duration::period;            // NOLINT(readability-identifier-naming)
    using time_point = std::chrono::time_point<BootClock>;  // NOLINT(readability-identifier-naming)
    static constexpr bool is_steady = true;                 // NOLINT(readability-identifier-naming)

    static time_point now() noexcept {
        timespec now{};
        ::clock_gettime(CLOCK_BOOTTIME, &now);
        return time_point(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
    }
};

}  // namespace stele
