// Many callers at once.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <thread>
#include <vector>

namespace stele::test {

/// Runs work(0), work(1) and so on, each on a thread of its own; returns when all have ended. An exception from one is
/// a test failure.
template <class Work>
void in_threads(int count, const Work& work) {
    std::vector<std::thread> threads;
    threads.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) threads.emplace_back([&work, i] { EXPECT_NO_THROW(work(i)); });
    for (std::thread& thread : threads) thread.join();
}

}  // namespace stele::test
