// How often the commands that watch the database look at it.
#pragma once

#include <algorithm>
#include <chrono>

namespace stele::cli {

/// How long to rest after a look that took so long: at least `least`, and as long as leaves looks a tenth of the time,
/// but no more than five seconds, for most looks that take long have waited for a server that was away.
constexpr std::chrono::steady_clock::duration rest_after(std::chrono::steady_clock::duration look,
                                                         std::chrono::steady_clock::duration least) {
    constexpr int kShare = 10;
    constexpr std::chrono::steady_clock::duration kMost = std::chrono::seconds(5);
    return std::clamp(kShare * look, least, std::max(least, kMost));
}

}  // namespace stele::cli
