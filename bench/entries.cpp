#include "entries.hpp"

#include <fmt/core.h>

#include <cstdlib>
#include <stdexcept>

namespace stele::bench {

std::string environment(const char* name) {
    const char* const value = std::getenv(name);
    if (value == nullptr) throw std::runtime_error(fmt::format("{} is not set: run it through scripts/bench", name));
    return value;
}

std::string response_of(const Key& key) {
    std::string response;
    while (response.size() < kResponseBytes) response += key.query_hash;
    response.resize(kResponseBytes);
    return response;
}

void check(const Key& key, std::size_t rows, std::string_view response) {
    if (rows != 1 || response.size() != kResponseBytes || !response.starts_with(key.query_hash)) {
        throw std::runtime_error("a wrong answer for " + key.query_hash);
    }
}

std::string require_durable(RawConnection& server) {
    std::string text = fmt::format("PostgreSQL {}", server.run("SHOW server_version"));
    for (const char* const setting : {"fsync", "synchronous_commit", "full_page_writes"}) {
        const std::string value = server.run(std::string("SHOW ") + setting);
        if (value != "on") throw std::runtime_error(fmt::format("{} is {}, not on", setting, value));
        text += fmt::format(", {} = on", setting);
    }
    return text + ".";
}

void quieten(RawConnection& server) {
    server.run("ALTER SYSTEM SET max_wal_size = '8GB'");
    server.run("ALTER SYSTEM SET checkpoint_timeout = '1h'");
    server.run("ALTER SYSTEM SET autovacuum = off");
    server.run("SELECT pg_reload_conf()");
}

Keys fill(RawConnection& server, int rows) {
    server.run("DROP SCHEMA IF EXISTS stele_bench CASCADE");
    server.run("CREATE SCHEMA stele_bench");
    server.run(
        "CREATE TABLE stele_bench.entries (namespace text NOT NULL, query_hash text NOT NULL, response text NOT NULL, "
        "UNIQUE (namespace, query_hash))");
    server.run(
        fmt::format("INSERT INTO stele_bench.entries "
                    "SELECT 'namespace-' || i % 16, hash, left(repeat(hash, 8), {}) FROM "
                    "(SELECT i, encode(sha256(i::text::bytea), 'hex') AS hash FROM generate_series(1, {}) i) t",
                    kResponseBytes, rows));
    server.run("VACUUM (FREEZE, ANALYZE) stele_bench.entries");
    const RawConnection::Result all = server.query("SELECT namespace, query_hash FROM stele_bench.entries");
    std::vector<Key> keys;
    keys.reserve(static_cast<std::size_t>(rows));
    for (int i = 0; i < PQntuples(all.get()); ++i) {
        keys.push_back({PQgetvalue(all.get(), i, 0), PQgetvalue(all.get(), i, 1)});
    }
    return Keys(std::move(keys));
}

Key Keys::make() {
    constexpr std::string_view kDigits = "0123456789abcdef";
    Key key{keys_->front().name_space, std::string(64, '0')};
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < 64; ++i, bits >>= 4) {
        if (i % 16 == 0) bits = random_();
        key.query_hash[i] = kDigits[bits & 15];
    }
    return key;
}

}  // namespace stele::bench
