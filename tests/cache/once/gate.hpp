// Steps of several threads in a given order.
#pragma once

#include <chrono>
#include <future>
#include <stdexcept>

namespace stele::test {

/// Opened once, by whomever; who waits goes on then.
class Gate {
public:
    void open() { promise_.set_value(); }
    void wait() const {
        if (opened_.wait_for(std::chrono::minutes(1)) != std::future_status::ready) {
            throw std::logic_error("nobody has opened the gate");
        }
    }

private:
    std::promise<void> promise_;
    std::shared_future<void> opened_ = promise_.get_future().share();
};

}  // namespace stele::test
