#include "postgres/lanes.hpp"

#include <algorithm>
#include <atomic>

namespace stele {

Lanes::Lanes(Pool& pool, Watchdog& watchdog, const Options& options) {
    for (const Lane kind : {Lane::none, Lane::read, Lane::slow_read, Lane::write}) {
        LaneDriver::Options each;
        each.kind = kind;
        each.limits.queued = options.queued;
        each.limits.writes = kind == Lane::write;
        if (kind == Lane::write) each.lock_timeout = options.lock_timeout;
        each.keeps_sessions = options.keeps_sessions;
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

LaneDriver& Lanes::idlest(Lane kind) noexcept {
    const auto& lanes = lanes_[static_cast<std::size_t>(kind)];
    const auto less = [](const auto& a, const auto& b) { return a->load() < b->load(); };
    return **std::min_element(lanes.begin(), lanes.end(), less);
}

LaneDriver& Lanes::choose(std::span<const Statement> statements) noexcept {
    if (statements.size() != 1) return idlest(Lane::none);
    const Statement& statement = statements.front();
    return statement.lane() == Lane::write ? choose_for_write(statement) : idlest(statement.lane());
}

// A second commit beside the first pays only when many wait: they share the disk. Not for writes that merge: one of all
// costs the server less than two of half as many.
LaneDriver& Lanes::choose_for_write(const Statement& statement) noexcept {
    constexpr std::size_t kWorthASecondCommit = 16;
    LaneDriver& first = *lanes_[static_cast<std::size_t>(Lane::write)].front();
    return statement.merges() || first.load() < kWorthASecondCommit ? first : idlest(Lane::write);
}

LaneDriver& Lanes::choose_for_this_thread(const Statement& statement) noexcept {
    const Lane lane = statement.lane();
    if (lane == Lane::write) return choose_for_write(statement);
    static std::atomic<std::size_t> threads{0};
    static constinit thread_local Home home;
    if (home.lane == Home::kNone) home.lane = threads.fetch_add(1, std::memory_order_relaxed);
    const auto& lanes = lanes_[static_cast<std::size_t>(lane)];
    LaneDriver& own = *lanes[home.lane % lanes.size()];
    LaneDriver& emptiest = idlest(lane);
    if (!home.moves(own.load() > 2 * emptiest.load())) return own;
    const auto is_it = [&](const auto& each) { return each.get() == &emptiest; };
    home.lane = static_cast<std::size_t>(std::find_if(lanes.begin(), lanes.end(), is_it) - lanes.begin());
    return emptiest;
}

bool Lanes::Home::moves(bool crowded) noexcept {
    constexpr int kPatience = 16;
    if (!crowded) {
        nuisance = std::max(nuisance - 1, 0);
        return false;
    }
    // not all who are there at once
    if (++nuisance < kPatience + static_cast<int>(lane % kPatience)) return false;
    nuisance = 0;
    return true;
}

}  // namespace stele
