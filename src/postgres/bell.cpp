#include "postgres/bell.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <climits>
#include <ctime>

namespace stele {
namespace {

static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t), "the kernel looks at the word itself");

}  // namespace

void Bell::wait(std::uint32_t heard, std::uint32_t marks, Deadline deadline) noexcept {
    timespec until{};
    if (!deadline.is_never()) {
        // FUTEX_WAIT_BITSET takes a point on CLOCK_MONOTONIC, which is what steady_clock counts
        const auto since = deadline.point().time_since_epoch();
        const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
        until.tv_sec = static_cast<std::time_t>(seconds.count());
        until.tv_nsec = static_cast<long>(std::chrono::nanoseconds(since - seconds).count());
    }
    ::syscall(SYS_futex, &rings_, FUTEX_WAIT_BITSET_PRIVATE, heard, deadline.is_never() ? nullptr : &until, nullptr,
              marks);
}

void Bell::ring(std::uint32_t marks) noexcept {
    rings_.fetch_add(1, std::memory_order_acq_rel);
    ::syscall(SYS_futex, &rings_, FUTEX_WAKE_BITSET_PRIVATE, INT_MAX, nullptr, nullptr, marks);
}

}  // namespace stele
