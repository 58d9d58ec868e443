// Notes in the tables which entries were answered, without anybody waiting.
#pragma once

#include <cstdint>
#include <memory>

#include "cache/access_log.hpp"
#include "cache/cache_sql.hpp"
#include "stele/database.hpp"

namespace stele {

/// Thread-safe. One write is under way at a time; what comes meanwhile is merged into the next. Without lanes
/// (DatabaseOptions::lanes) nothing is written before flush().
class AccessWriter {
public:
    AccessWriter(Database& database, const CacheSql& sql);
    AccessWriter(const AccessWriter&) = delete;
    AccessWriter& operator=(const AccessWriter&) = delete;
    ~AccessWriter();

    /// An entry was answered. What cannot be written is left out, and said in the log.
    void accessed(std::int64_t id) noexcept;
    /// Writes what is left, after what is under way.
    void flush(Deadline deadline);

private:
    class Write;
    struct UnderWay;

    Database& database_;
    const CacheSql& sql_;
    AccessLog log_;
    const std::shared_ptr<UnderWay> under_way_;
};

}  // namespace stele
