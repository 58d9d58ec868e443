// The table that the PostgreSQL benches read and write, and the keys in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "raw_postgres.hpp"

namespace stele::bench {

inline constexpr char kSelect[] = "SELECT response FROM stele_bench.entries WHERE namespace = $1 AND query_hash = $2";
inline constexpr char kUpsert[] =
    "INSERT INTO stele_bench.entries (namespace, query_hash, response) VALUES ($1, $2, $3) "
    "ON CONFLICT (namespace, query_hash) DO UPDATE SET response = EXCLUDED.response";

inline constexpr std::size_t kResponseBytes = 500;

struct Key {
    std::string name_space;
    std::string query_hash;  // 64 hexadecimal digits
};

/// What is stored under a key.
std::string response_of(const Key& key);
/// Throws unless that many rows with that response are the answer for the key.
void check(const Key& key, std::size_t rows, std::string_view response);

/// Draws keys that are in the table, uniformly, and makes keys that are not. One a thread; copies share the keys.
class Keys {
public:
    explicit Keys(std::vector<Key> keys) : keys_(std::make_shared<const std::vector<Key>>(std::move(keys))) {}
    /// The same keys in another order.
    Keys another(std::uint64_t seed) const {
        Keys keys = *this;
        keys.random_.seed(seed);
        return keys;
    }
    const Key& draw() { return (*keys_)[random_() % keys_->size()]; }
    Key make();
    std::size_t size() const noexcept { return keys_->size(); }

private:
    std::shared_ptr<const std::vector<Key>> keys_;
    std::mt19937_64 random_{1};
};

/// A variable that scripts/bench sets.
std::string environment(const char* name);
/// Says how the server writes, and refuses to measure one that does not wait for its disk.
std::string require_durable(RawConnection& server);
/// Checkpoints and vacuums of a private server would fall on one side or the other by chance.
void quieten(RawConnection& server);
/// Makes the table: 16 namespaces, so many rows.
Keys fill(RawConnection& server, int rows);

}  // namespace stele::bench
