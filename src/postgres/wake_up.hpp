// A descriptor that becomes readable when somebody wants a wait to end.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "base/result.hpp"

namespace stele {

/// Thread-safe.
class WakeUp {
public:
    WakeUp() : descriptor_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
        if (descriptor_ < 0) {
            raise(ErrorCode::resources, std::string("cannot make an eventfd: ") + std::strerror(errno));
        }
    }
    WakeUp(const WakeUp&) = delete;
    WakeUp& operator=(const WakeUp&) = delete;
    ~WakeUp() { ::close(descriptor_); }

    int descriptor() const noexcept { return descriptor_; }
    /// Readable from now on.
    void wake() const noexcept {
        const std::uint64_t one = 1;
        // fails only when it is far beyond one already
        static_cast<void>(::write(descriptor_, &one, sizeof one) == sizeof one);
    }

    /// Not readable any more.
    void clear() const noexcept {
        std::uint64_t wakes = 0;
        static_cast<void>(::read(descriptor_, &wakes, sizeof wakes) == sizeof wakes);
    }

private:
    int descriptor_;
};

}  // namespace stele
