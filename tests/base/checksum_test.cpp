#include "base/checksum.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace stele {
namespace {

std::vector<std::byte> bytes_of(std::size_t size) {
    std::vector<std::byte> bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 7 + i / 256);
    return bytes;
}

TEST(Checksum, every_single_bit_counts) {
    std::vector<std::byte> bytes = bytes_of(300);
    const std::uint64_t whole = Checksum::of(bytes);
    for (std::byte& byte : bytes) {
        for (int bit = 0; bit < 8; ++bit) {
            byte ^= std::byte{1} << bit;
            EXPECT_NE(Checksum::of(bytes), whole);
            byte ^= std::byte{1} << bit;
        }
    }
    EXPECT_EQ(Checksum::of(bytes), whole);
}

TEST(Checksum, length_and_order_count) {
    const std::vector<std::byte> zeros(200);
    EXPECT_NE(Checksum::of(std::span(zeros).first(100)), Checksum::of(std::span(zeros).first(101)));
    EXPECT_NE(Checksum::of({}), Checksum::of(std::span(zeros).first(64)));
    std::vector<std::byte> bytes = bytes_of(256);
    const std::uint64_t before = Checksum::of(bytes);
    std::swap_ranges(bytes.begin(), bytes.begin() + 64, bytes.begin() + 64);
    EXPECT_NE(Checksum::of(bytes), before);
}

TEST(Checksum, it_is_the_same_in_parts) {
    const std::vector<std::byte> bytes = bytes_of(1'000);
    Checksum sum;
    sum.add(std::span(bytes).first(64));
    sum.add(std::span(bytes).subspan(64, 640));
    sum.add(std::span(bytes).subspan(704));
    EXPECT_EQ(sum.value(), Checksum::of(bytes));
}

}  // namespace
}  // namespace stele
