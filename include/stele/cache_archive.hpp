// A semantic cache as one file: to move it, to keep a copy, to begin another with it.
//
//     stele::export_cache(database, "cache.stele");
//     stele::import_cache(other, "cache.stele", {.existing = stele::ExistingEntries::keep});
//
// The file holds lines of JSON: a manifest, a row of a table each, and at the end how many there were and the SHA-256
// of all before, so that one that was cut or damaged is known. docs/cache-tools.md describes it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "stele/database.hpp"
#include "stele/export.hpp"

namespace stele {
inline namespace v0 {

/// The first line: what the file holds.
struct CacheManifest {
    int format_version = 1;
    int schema_version = 1;                           ///< of mneme's tables
    std::optional<std::string> embedder_fingerprint;  ///< nothing: no embedder was ever named
    std::optional<std::size_t> embedder_dimension;    ///< nothing: no vector was ever put
    std::string index_backend, store_backend, vector_dtype;
    std::chrono::sys_seconds created_at{};        ///< by the database's clock
    std::vector<std::string> namespaces;          ///< that hold entries, as they are stored, sorted
    std::map<std::string, std::uint64_t> rows{};  ///< by table: "entries", "stele_scopes" ...
    std::uint64_t all_rows() const noexcept {
        std::uint64_t all = 0;
        for (const auto& [table, count] : rows) all += count;
        return all;
    }
};

struct ArchiveProgress {
    bool checking = false;  ///< of an import: nothing is written yet
    std::uint64_t done = 0, all = 0;
};

struct ExportCacheOptions {
    /// Called now and then. What it throws ends the export; then there is no file.
    std::function<void(const ArchiveProgress&)> on_progress{};
    /// Of the whole export; nothing: DatabaseOptions::call_timeout for each call to the server.
    std::optional<Deadline> deadline{};
};

/// Writes everything that the cache of this database keeps, all of one moment, while it is used: entries with their
/// vectors, tags and what they were made from, those too that have expired, scopes, quotas, limits, policies, published
/// versions and counters. Takes the place of a file of that name, once it is whole and on the disk; only its owner may
/// read it. Memory: some megabytes, and three times the largest entry. Throws Error(unavailable) when the file cannot
/// be written.
STELE_API CacheManifest export_cache(Database& database, const std::filesystem::path& file,
                                     const ExportCacheOptions& options = {});

/// Reads all of an archive and says what it holds. Error(invalid_argument) for one that is damaged, cut off, of a newer
/// format, or none.
STELE_API CacheManifest check_cache_archive(const std::filesystem::path& file,
                                            const std::function<void(const ArchiveProgress&)>& on_progress = {});

/// What becomes of what is there already.
enum class ExistingEntries : std::uint8_t {
    refuse,   ///< Error(invalid_argument) if there are entries, quotas, limits or policies
    keep,     ///< an entry of the same question stays as it is; so does everything else
    replace,  ///< they become those of the archive; other entries stay
};

struct ImportCacheOptions {
    ExistingEntries existing = ExistingEntries::refuse;
    std::function<void(const ArchiveProgress&)> on_progress{};  ///< as of an export
    std::optional<Deadline> deadline{};
};

struct ImportedCache {
    CacheManifest manifest{};
    std::uint64_t entries = 0;  ///< stored; those of the archive that are not were kept out by ones that were there
    std::uint64_t evicted = 0;  ///< that went again, or others did, because quotas and limits allow no more
};

/// Stores what an archive holds: all of it, or after an error nothing. All of the file is checked before anything is
/// written. Entries get new ids; their ages and lifetimes go on as they were. Puts of others wait until it is over,
/// gets do not; processes that keep something in memory read it anew.
///
/// Throws Error(invalid_argument) for a file that check_cache_archive() refuses, Error(fingerprint_mismatch) and
/// Error(dimension_mismatch) when the tables hold another embedder's vectors: they cannot be compared.
STELE_API ImportedCache import_cache(Database& database, const std::filesystem::path& file,
                                     const ImportCacheOptions& options = {});

}  // namespace v0
}  // namespace stele
