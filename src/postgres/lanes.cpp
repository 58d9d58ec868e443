#include "postgres/lanes.hpp"

#include <algorithm>

namespace stele {

Lanes::Lanes(Pool& pool, Watchdog& watchdog, const Options& options) {
    for (const Lane kind : {Lane::none, Lane::read, Lane::slow_read, Lane::write}) {
        LaneDriver::Options each;
        each.kind = kind;
        each.limits.queued = options.queued;
        each.limits.writes = kind == Lane::write;
        if (kind == Lane::write) each.lock_timeout = options.lock_timeout;
        auto& lanes = lanes_[static_cast<std::size_t>(kind)];
        for (std::size_t i = 0; i < options.each; ++i) {
            lanes.push_back(std::make_unique<LaneDriver>(pool, watchdog, io_, each));
        }
    }
}

Lanes::~Lanes() {
    for (const auto& lanes : lanes_) {
        for (const auto& lane : lanes) {
            lane->cancel_all(make_error(ErrorCode::closed, "the database was closed before the answer came"));
        }
    }
    io_.stop();
}

LaneDriver& Lanes::choose(Lane lane) noexcept {
    // a second commit beside the first pays only when many wait: they share the disk
    constexpr std::size_t kWorthASecondCommit = 16;
    const auto& lanes = lanes_[static_cast<std::size_t>(lane)];
    LaneDriver* best = lanes.front().get();
    std::size_t least = best->load();
    if (lane == Lane::write && least < kWorthASecondCommit) return *best;
    for (const auto& other : lanes) {
        const std::size_t load = other->load();
        if (load >= least) continue;
        best = other.get();
        least = load;
    }
    return *best;
}

}  // namespace stele
