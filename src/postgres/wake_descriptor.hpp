// Something that a thread in poll() can be woken with.
#pragma once

namespace stele {

/// An eventfd. Thread-safe.
class WakeDescriptor {
public:
    /// Throws std::system_error when the process has no descriptor left.
    WakeDescriptor();
    WakeDescriptor(const WakeDescriptor&) = delete;
    WakeDescriptor& operator=(const WakeDescriptor&) = delete;
    ~WakeDescriptor();

    int get() const noexcept { return descriptor_; }
    /// Readable from now on.
    void wake() noexcept;
    /// Not readable any more.
    void clear() noexcept;

private:
    int descriptor_;
};

}  // namespace stele
