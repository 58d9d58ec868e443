// How much of a text the commands take.
#pragma once

#include <cstddef>

namespace stele::cli {

inline constexpr std::size_t kLongestContent = 67'108'864;

}  // namespace stele::cli
