#include <atomic>

#include "stele/testing.hpp"

namespace stele::inline v0::testing {

struct FakeClock::Impl {
    explicit Impl(Timestamp start) : microseconds(start.time_since_epoch().count()) {}
    std::atomic<Timestamp::rep> microseconds;
};

FakeClock::FakeClock(Timestamp start) : impl_(std::make_shared<Impl>(start)) {}

Timestamp FakeClock::now() const noexcept {
    return Timestamp(Timestamp::duration(impl_->microseconds));
}

void FakeClock::advance(std::chrono::microseconds by) noexcept {
    impl_->microseconds += by.count();
}

}  // namespace stele::inline v0::testing
