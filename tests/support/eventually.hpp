// Waiting for what another thread or process does.
#pragma once

#include <chrono>
#include <thread>

namespace stele::test {

/// Looks again and again until the condition holds; false if it still does not after `patience`.
template <class Condition>
bool eventually(const Condition& condition, std::chrono::milliseconds patience = std::chrono::minutes(1)) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() >= end) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
}

}  // namespace stele::test
