// Wakes many sleeping threads with one system call.
#pragma once

#include <atomic>
#include <cstdint>

#include "stele/deadline.hpp"

namespace stele {

/// One word that threads sleep on, each with marks of its own (bits): a ring wakes those that have one of its marks. A
/// std::atomic or a condition variable would wake them one system call each, or through a lock that all then want.
/// Look at heard() first, then at what is waited for, then wait(): a ring in between is not missed. A wait may end
/// without a ring. Thread-safe.
class Bell {
public:
    static constexpr std::uint32_t kAll = 0xffffffff;

    std::uint32_t heard() const noexcept { return rings_.load(std::memory_order_acquire); }
    /// Sleeps unless it has rung since.
    void wait(std::uint32_t heard, std::uint32_t marks, Deadline deadline = Deadline::never()) noexcept;
    void ring(std::uint32_t marks = kAll) noexcept;

private:
    std::atomic<std::uint32_t> rings_{0};
};

}  // namespace stele
