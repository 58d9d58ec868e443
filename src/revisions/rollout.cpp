#include "stele/rollout.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>

#include "base/hash.hpp"
#include "base/result.hpp"

namespace stele::inline v0 {

const std::string& Rollout::label_for(std::string_view key) const {
    if (!(percent >= 0 && percent <= 100)) {
        raise(ErrorCode::invalid_argument, fmt::format("a rollout has {} percent; it must be from 0 to 100", percent));
    }
    std::string text = salt;
    text += '\0';
    text += key;
    const Digest digest = sha256(text);
    std::uint64_t place = 0;
    for (std::size_t i = 0; i < sizeof place; ++i) place = (place << 8) | std::to_integer<std::uint64_t>(digest[i]);
    constexpr int kBits = 53;  // of a double, so that the share is exact and below 1
    return std::ldexp(static_cast<double>(place >> (64 - kBits)), -kBits) < percent / 100 ? to : from;
}

}  // namespace stele::inline v0
