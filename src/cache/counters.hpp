// What happened, by namespace, between two visits to the database.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.hpp"
#include "base/sharded.hpp"
#include "stele/rows.hpp"

namespace stele {

enum class Counter : std::uint8_t { hits_exact, hits_semantic, misses, evictions, expirations };
inline constexpr std::size_t kCounters = 5;
/// mneme's name, also the name in the table cache_counters.
std::string_view to_string(Counter counter) noexcept;

/// Thread-safe.
class Counters {
public:
    using Values = std::array<std::int64_t, kCounters>;

    void add(const std::string& name_space, Counter counter, std::int64_t count = 1);

    /// The non-zero ones, as parallel arrays for the database; nothing remains here.
    struct Batch {
        std::vector<std::string> namespaces, names;
        std::vector<std::int64_t> values;
        bool empty() const noexcept { return values.empty(); }
    };
    Batch take();
    /// What take() would take, of one namespace or of all.
    Values pending(const std::optional<std::string>& name_space) const;
    /// A batch that could not be stored comes back.
    void put_back(const Batch& batch);
    /// From rows of (name, value); unknown names, a newer Stele's, are left out.
    static Values read(const Rows& rows);

private:
    using ByNamespace = std::map<std::string, Values>;
    // threads that count at once do not wait for each other
    struct alignas(64) Shard {
        mutable Mutex mutex;
        ByNamespace values STELE_GUARDED_BY(mutex);
    };
    std::array<Shard, kShards> shards_;
};

}  // namespace stele
