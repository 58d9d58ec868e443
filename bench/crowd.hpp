// Threads that do the same thing over and over, for a while.
#pragma once

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

namespace stele::bench {

/// Runs `work(thread)` in so many threads until the time is over and returns how often a second it was done by all of
/// them. `work` returns how much it did; it is given the point at which to stop, for one that goes on by itself.
/// What it throws is thrown on.
inline double crowd_per_second(
    std::size_t threads, std::chrono::duration<double> time,
    const std::function<std::size_t(std::size_t, std::chrono::steady_clock::time_point)>& work) {
    using Clock = std::chrono::steady_clock;
    std::atomic<std::size_t> done{0};
    std::exception_ptr failure;
    std::mutex failing;
    Clock::time_point until;
    std::barrier start(static_cast<std::ptrdiff_t>(threads + 1));
    std::vector<std::thread> all;
    for (std::size_t i = 0; i < threads; ++i) {
        all.emplace_back([&, i] {
            start.arrive_and_wait();
            try {
                std::size_t count = 0;
                while (Clock::now() < until) count += work(i, until);
                done += count;
            } catch (...) {
                const std::scoped_lock lock(failing);
                failure = std::current_exception();
            }
        });
    }
    const auto begin = Clock::now();
    until = begin + std::chrono::duration_cast<Clock::duration>(time);
    start.arrive_and_wait();
    for (std::thread& each : all) each.join();
    if (failure) std::rethrow_exception(failure);
    return static_cast<double>(done.load()) / std::chrono::duration<double>(Clock::now() - begin).count();
}

/// The quantile (0.5: the median) of how long each `work(thread)` takes, in microseconds.
inline double crowd_time(std::size_t threads, std::chrono::duration<double> time, double quantile,
                         const std::function<void(std::size_t)>& work) {
    using Clock = std::chrono::steady_clock;
    std::vector<std::vector<double>> each(threads);
    crowd_per_second(threads, time, [&](std::size_t i, auto) {
        const Clock::time_point begin = Clock::now();
        work(i);
        each[i].push_back(std::chrono::duration<double, std::micro>(Clock::now() - begin).count());
        return std::size_t{1};
    });
    std::vector<double> all;
    for (const std::vector<double>& one : each) all.insert(all.end(), one.begin(), one.end());
    const auto wanted = all.begin() + static_cast<std::ptrdiff_t>(quantile * static_cast<double>(all.size() - 1));
    std::nth_element(all.begin(), wanted, all.end());
    return *wanted;
}

/// Does something over and over beside what is measured, until it goes.
class Meanwhile {
public:
    explicit Meanwhile(std::function<void()> work)
        : thread_([work = std::move(work)](const std::stop_token& stop) {
              while (!stop.stop_requested()) work();
          }) {}

private:
    std::jthread thread_;
};

}  // namespace stele::bench
