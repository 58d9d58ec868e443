// The rival that pipelines: one thread that keeps one libpq connection full.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "entries.hpp"
#include "raw_postgres.hpp"

namespace stele::bench {

/// One connection in pipeline mode. Every answer is checked; every failure throws std::runtime_error.
class PipelinedConnection {
public:
    using Time = std::chrono::steady_clock::time_point;

    explicit PipelinedConnection(const std::string& dsn);

    /// Point SELECTs until then, `window` of them under way, a Sync after each. Returns how many were answered.
    std::size_t select(Keys& keys, std::size_t window, Time until);
    /// Upserts until then, so many rows a Sync, hence a commit. Returns how many were committed.
    std::size_t upsert(Keys& keys, std::size_t rows, Time until);

private:
    void send(const char* statement, const Key& key, const std::string* response);
    void flush_and_wait();
    RawConnection::Result next();

    RawConnection connection_;
};

}  // namespace stele::bench
