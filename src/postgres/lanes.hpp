// The lanes of a database: which one a statement takes.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
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
    };
    Lanes(Pool& pool, Watchdog& watchdog, const Options& options);
    ~Lanes();

    LaneDriver& choose(Lane lane) noexcept;

private:
    static constexpr std::size_t kKinds = 4;
    IoThread io_;
    std::array<std::vector<std::unique_ptr<LaneDriver>>, kKinds> lanes_;  // by kind
};

}  // namespace stele
