// How long an answer lives.
#pragma once

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <string_view>

namespace stele {

/// Shortened by up to that share, by how much the question's hash says: what is put at one time does not expire at one
/// time, and a test knows when it does.
inline std::chrono::seconds jittered(std::chrono::seconds lifetime, float share, std::string_view hash) {
    constexpr std::size_t kDigits = 8;
    std::uint32_t dice = 0;
    const std::string_view digits = hash.substr(0, kDigits);
    std::from_chars(digits.data(), digits.data() + digits.size(), dice, 16);
    const double part = static_cast<double>(dice) / 4'294'967'296.0 * static_cast<double>(share);
    const double shorter = std::floor(static_cast<double>(lifetime.count()) * part);
    return std::max(lifetime - std::chrono::seconds(static_cast<std::int64_t>(shorter)), std::chrono::seconds(1));
}

}  // namespace stele
