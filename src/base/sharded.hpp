// Numbers that many threads add to at once.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "stele/metrics.hpp"

namespace stele {

/// Threads are dealt out over this many copies of each number: two that share one only wait for each other's cache
/// line.
inline constexpr std::size_t kShards = 8;

inline std::size_t my_shard() noexcept {
    static std::atomic<std::size_t> threads{0};
    thread_local const std::size_t mine = threads.fetch_add(1, std::memory_order_relaxed) % kShards;
    return mine;
}

inline void add_to(std::atomic<std::uint64_t>& bits, double value) noexcept {
    std::uint64_t old = bits.load(std::memory_order_relaxed);
    while (!bits.compare_exchange_weak(old, std::bit_cast<std::uint64_t>(std::bit_cast<double>(old) + value),
                                       std::memory_order_relaxed)) {
    }
}

class ShardedCounter final : public Metrics::Counter {
public:
    void add(std::uint64_t count) noexcept override {
        shards_[my_shard()].count.fetch_add(count, std::memory_order_relaxed);
    }
    std::uint64_t value() const noexcept {
        std::uint64_t sum = 0;
        for (const Shard& shard : shards_) sum += shard.count.load(std::memory_order_relaxed);
        return sum;
    }

private:
    struct alignas(64) Shard {
        std::atomic<std::uint64_t> count{0};
    };
    std::array<Shard, kShards> shards_;
};

/// Changes are rare beside those of the others, and set() needs one place.
class AtomicGauge final : public Metrics::Gauge {
public:
    void add(double difference) noexcept override { add_to(bits_, difference); }
    void set(double value) noexcept override {
        bits_.store(std::bit_cast<std::uint64_t>(value), std::memory_order_relaxed);
    }
    double value() const noexcept { return std::bit_cast<double>(bits_.load(std::memory_order_relaxed)); }

private:
    std::atomic<std::uint64_t> bits_{0};  // of 0.0
};

class ShardedHistogram final : public Metrics::Histogram {
public:
    explicit ShardedHistogram(std::vector<double> bounds)
        : bounds_(std::move(bounds)),
          lines_per_shard_((bounds_.size() + 2 + kWords - 1) / kWords),
          lines_(kShards * lines_per_shard_) {}

    /// Not a number falls into no range, and is left out.
    void observe(double value) noexcept override {
        if (value != value) return;
        const auto range =
            static_cast<std::size_t>(std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin());
        const std::size_t shard = my_shard();
        word(shard, range + 1).fetch_add(1, std::memory_order_relaxed);
        add_to(word(shard, 0), value);
    }

    std::span<const double> bounds() const noexcept { return bounds_; }
    /// How many fell into a range; range bounds().size() is the open one.
    std::uint64_t count(std::size_t range) const noexcept {
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < kShards; ++i) sum += word(i, range + 1).load(std::memory_order_relaxed);
        return sum;
    }
    double sum() const noexcept {
        double sum = 0;
        for (std::size_t i = 0; i < kShards; ++i) {
            sum += std::bit_cast<double>(word(i, 0).load(std::memory_order_relaxed));
        }
        return sum;
    }

private:
    static constexpr std::size_t kWords = 8;
    struct alignas(64) Line {
        std::array<std::atomic<std::uint64_t>, kWords> words{};
    };
    // of a shard: word 0 is the sum, the others are the ranges
    const std::atomic<std::uint64_t>& word(std::size_t shard, std::size_t at) const noexcept {
        return lines_[shard * lines_per_shard_ + at / kWords].words[at % kWords];
    }
    std::atomic<std::uint64_t>& word(std::size_t shard, std::size_t at) noexcept {
        return lines_[shard * lines_per_shard_ + at / kWords].words[at % kWords];
    }

    std::vector<double> bounds_;
    std::size_t lines_per_shard_;
    std::vector<Line> lines_;
};

}  // namespace stele
