// The lanes of a database: which one a statement takes.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "postgres/io_thread.hpp"
#include "postgres/lane_driver.hpp"
#include "postgres/pool.hpp"
#include "postgres/watchdog.hpp"

namespace stele {

/// Thread-safe. All blocking calls must have returned before it is destroyed; what else is under way is then done with
/// Error(closed).
class Lanes {
public:
    struct Options {
        std::size_t each = 2;  ///< lanes of a kind
        std::size_t queued = 1024;
        std::chrono::milliseconds lock_timeout{1000};
        bool keeps_sessions = false;  ///< see LaneDriver
    };
    Lanes(Pool& pool, Watchdog& watchdog, const Options& options);
    ~Lanes();

    /// The one of its kind with the least to do; of a batch, one that shares with nobody.
    LaneDriver& choose(std::span<const Statement> statements) noexcept;
    /// For a caller that waits: the same lane every time while that is not much fuller than another. The kernel then
    /// keeps the callers of a lane and its backend on the same CPUs, which is worth more than an even load.
    LaneDriver& choose_for_this_thread(const Statement& statement) noexcept;

private:
    LaneDriver& idlest(Lane kind) noexcept;
    LaneDriver& choose_for_write(const Statement& statement) noexcept;

    /// Of one thread: a lane's number, modulo how many there are.
    struct Home {
        static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
        std::size_t lane = kNone;
        int nuisance = 0;
        /// Whether it is time to leave a lane that was crowded when this thread came.
        bool moves(bool crowded) noexcept;
    };
    static constexpr std::size_t kKinds = 4;
    IoThread io_;
    std::array<std::vector<std::unique_ptr<LaneDriver>>, kKinds> lanes_;  // by kind
};

}  // namespace stele
