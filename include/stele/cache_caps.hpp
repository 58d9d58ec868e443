// How much a semantic cache may hold, and what it holds.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "stele/export.hpp"
#include "stele/json.hpp"

namespace stele {
inline namespace v0 {

/// At most so much; nothing: as much as there is. The bytes of an entry are those of its question, its answer, its
/// vector (4 an element) and its metadata, not what they take on a disk.
struct CacheQuota {
    std::optional<std::size_t> entries{}, bytes{};

    bool empty() const noexcept { return !entries && !bytes; }
    friend bool operator==(const CacheQuota&, const CacheQuota&) = default;
};

/// A namespace that holds entries.
struct CacheNamespace {
    std::string stored_namespace;      ///< Scope::stored_namespace
    std::string tenant;                ///< whose quota it counts against
    Json attributes = Json::object();  ///< of the scope, as far as they are known
    std::int64_t entries = 0;          ///< with those that have expired and were not removed yet
    std::int64_t bytes = 0;
};

/// How the cache is, known without reading its entries.
struct CacheHealth {
    bool healthy = false;                     ///< integrity_ok, and embedder_fingerprint_match
    bool integrity_ok = false;                ///< the store answers, and what it counts agrees with itself
    bool embedder_fingerprint_match = false;  ///< or there is no embedder, here or in the tables
    int schema_version = 1;                   ///< of mneme's tables
    std::int64_t entries = 0;                 ///< with those that have expired and were not removed yet
    std::int64_t bytes = 0;
    std::size_t namespaces = 0;                              ///< that hold entries
    std::optional<std::chrono::seconds> oldest_entry_age{};  ///< nothing: there are none
    /// "graph" if the vectors of some scope are searched by one by now, else "flat"; "postgres" or "memory"; as
    /// VectorFormat's.
    std::string index_backend, store_backend, vector_dtype{};
    std::string problem{};  ///< why the store does not answer; empty: it does
};

enum class EntryOrder : std::uint8_t {
    newest_first,
    coldest_first,  ///< what nobody has asked for longest, which goes first when there is too much
};

struct CacheEntry;

/// Which entries are listed, and in which order: those for which all of this holds.
struct CacheEntryFilter {
    std::string text{};               ///< in the question or the answer; case of ASCII letters does not matter
    Json metadata = Json::object();   ///< contained in theirs, as jsonb's @> says
    std::string tag{};                ///< one of theirs; empty: whatever they have
    std::chrono::seconds min_age{0};  ///< put so long ago, or longer
    EntryOrder order = EntryOrder::newest_first;
    std::size_t limit = 50;
    /// The place of the last entry of the page before.
    struct Place {
        std::chrono::sys_seconds last_access{};
        std::int64_t id = 0;
        STELE_API static Place of(const CacheEntry& entry) noexcept;
    };
    std::optional<Place> after{};
};

}  // namespace v0
}  // namespace stele
