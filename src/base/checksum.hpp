// Tells memory that was damaged, at about the speed at which it can be read. No protection against anybody's intent.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace stele {

/// The same on every machine of one byte order. Any single change of a word changes it.
class Checksum {
public:
    /// A part; all but the last must be of a multiple of 64 bytes.
    void add(std::span<const std::byte> part) noexcept {
        size_ += part.size();
        for (; part.size() >= kStep; part = part.subspan(kStep)) add_step(part.data());
        if (part.empty()) return;
        std::array<std::byte, kStep> rest{};
        std::memcpy(rest.data(), part.data(), part.size());
        add_step(rest.data());
    }
    std::uint64_t value() const noexcept {
        std::uint64_t sum = size_;
        for (const std::uint64_t lane : lanes_) sum = mixed(sum, lane);
        return sum;
    }
    static std::uint64_t of(std::span<const std::byte> bytes) noexcept {
        Checksum sum;
        sum.add(bytes);
        return sum.value();
    }

private:
    static constexpr std::size_t kLanes = 8, kStep = kLanes * sizeof(std::uint64_t);

    // each word takes a lane from one value to another, so that none is lost
    static std::uint64_t mixed(std::uint64_t lane, std::uint64_t word) noexcept {
        lane = (lane ^ word) * 0x9e3779b97f4a7c15U;
        return lane ^ (lane >> 32U);
    }
    void add_step(const std::byte* bytes) noexcept {
        std::array<std::uint64_t, kLanes> words;
        std::memcpy(words.data(), bytes, kStep);
        for (std::size_t i = 0; i < kLanes; ++i) lanes_[i] = mixed(lanes_[i], words[i]);
    }

    std::array<std::uint64_t, kLanes> lanes_{1, 2, 3, 4, 5, 6, 7, 8};
    std::uint64_t size_ = 0;
};

}  // namespace stele
