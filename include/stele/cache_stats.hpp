// What a semantic cache has counted, and one entry of it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "stele/dependency.hpp"
#include "stele/json.hpp"

namespace stele {
inline namespace v0 {

/// Counts since the counters began (they outlive the process), and what is stored now.
struct CacheStats {
    std::int64_t entries = 0;
    std::int64_t expired = 0;                                    ///< entries beside those, that nobody has removed yet
    std::int64_t bytes = 0;                                      ///< of both
    std::int64_t hits_exact = 0, hits_semantic = 0, misses = 0;  ///< local hits are exact ones
    std::int64_t hits_local = 0;         ///< of these, from this process's memory, since this cache was opened
    std::int64_t evictions = 0;          ///< entries that went because there was too much
    std::int64_t expirations = 0;        ///< entries found past their lifetime by get, or removed for it
    std::int64_t unavailable = 0;        ///< misses because the store could not be reached, since this cache was opened
    std::int64_t embedder_failures = 0;  ///< misses because the embedder failed, since this cache was opened
    std::int64_t truncated = 0;          ///< misses of questions that the embedder cut, since this cache was opened
    std::int64_t refused = 0;         ///< misses for which MissReason is refused_by_guard, since this cache was opened
    std::int64_t outdated = 0;        ///< misses for which MissReason is outdated, since this cache was opened
    std::int64_t skipped = 0;         ///< gets and puts that the skip rule kept out, since this cache was opened
    std::int64_t guard_failures = 0;  ///< exceptions of guards, validator and confidence, since this cache was opened
    // of get_or_compute, since this cache was opened
    std::int64_t computed = 0;          ///< computations that were begun
    std::int64_t shared = 0;            ///< calls that got another caller's (AnswerSource::shared)
    std::int64_t compute_failures = 0;  ///< computations that threw
    std::int64_t served_stale = 0;      ///< calls that got what was past its lifetime
    std::size_t index_rows = 0;         ///< vectors in memory
    std::size_t index_tombstones = 0;   ///< beside them: of entries that were removed or replaced; see compact()
    std::size_t index_bytes = 0;        ///< what all of it takes, with room for more rows
    std::size_t vector_bytes = 0;       ///< what the vectors of `entries` would take: mneme's memory_bytes_estimate
    std::size_t local_entries = 0;      ///< answers in memory, of all scopes
    std::size_t local_bytes = 0;
};

/// One stored entry, for listing.
struct CacheEntry {
    std::int64_t id = 0;
    std::string stored_namespace, query, response;
    Json metadata = Json::object();
    std::chrono::seconds age{};
    std::optional<std::chrono::seconds> ttl{};
    std::chrono::sys_seconds last_access{};  ///< by the database's clock: a hit, or when it was put
    std::chrono::seconds idle{};             ///< how long ago that was, never negative
    std::int64_t access_count = 0;           ///< hits since it was put
    std::vector<std::string> tags{};         ///< in the order of their bytes
    std::vector<Dependency> depends_on{};    ///< by kind and name
    bool outdated = false;                   ///< one of these is not current any more
};

}  // namespace v0
}  // namespace stele
