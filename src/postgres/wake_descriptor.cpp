#include "postgres/wake_descriptor.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace stele {

WakeDescriptor::WakeDescriptor() : descriptor_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (descriptor_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

WakeDescriptor::~WakeDescriptor() {
    ::close(descriptor_);
}

void WakeDescriptor::wake() noexcept {
    (void)::eventfd_write(descriptor_, 1);
}

void WakeDescriptor::clear() noexcept {
    eventfd_t count = 0;
    (void)::eventfd_read(descriptor_, &count);
}

}  // namespace stele
