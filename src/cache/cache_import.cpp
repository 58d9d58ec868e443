#include <fmt/format.h>

#include <cerrno>
#include <fstream>
#include <system_error>

#include "base/result.hpp"
#include "base/system.hpp"
#include "cache/archive_reader.hpp"
#include "cache/cache_caps.hpp"
#include "cache/cache_sql.hpp"
#include "stele/cache_archive.hpp"

namespace stele {
inline namespace v0 {

namespace {

constexpr std::size_t kBatch = 1U << 20U;  // bytes

using OnProgress = std::function<void(const ArchiveProgress&)>;

/// A file that is read more than once, the same whatever becomes of its name.
class ArchiveFile {
public:
    explicit ArchiveFile(const std::filesystem::path& path) : name_(path.string()), in_(path, std::ios::binary) {
        const int reason = errno;
        std::error_code ignored;
        if (in_ && !std::filesystem::is_directory(path, ignored)) return;
        raise(ErrorCode::invalid_argument,
              fmt::format("{} cannot be read: {}", name_, in_ ? "it is a directory" : error_text(reason)));
    }
    ArchiveReader from_start() {
        in_.clear();
        in_.seekg(0);
        return {in_, name_};
    }
    CacheManifest check(const OnProgress& on_progress) {
        ArchiveReader reader = from_start();
        const std::uint64_t all = reader.manifest().all_rows();
        const auto tell = [&] {
            if (on_progress) on_progress({true, reader.rows(), all});
        };
        while (reader.next(true)) {
            if (reader.rows() % kTellEach == 0) tell();
        }
        tell();
        return reader.manifest();
    }

private:
    const std::string name_;
    std::ifstream in_;
};

class CacheImport {
public:
    CacheImport(Database& database, const ImportCacheOptions& options, const CacheManifest& manifest)
        : sql_(database.quoted_schema()),
          schema_(database.quoted_schema()),
          where_(fmt::format("{} (schema {})", database.describe(), database.schema())),
          options_(options),
          manifest_(manifest) {}

    /// Puts are kept out first: who waits for one of the rows must not hold what this waits for.
    ImportedCache run(Transaction& transaction, ArchiveReader reader) {
        transaction_ = &transaction;
        done_ = {manifest_, 0, 0};
        transaction.execute(Statement(sql_.hold_version), options_.deadline);
        check_embedder();
        if (options_.existing == ExistingEntries::refuse) check_empty();
        write_rows(reader);
        settle_embedder();
        evict();
        // Python's readers then read everything again
        transaction.execute(Statement(sql_.raise_version, kRebuildStep), options_.deadline);
        return std::move(done_);
    }

private:
    Sql sql(std::string_view text) const { return cache_sql(text, schema_); }

    void check_embedder() {
        std::optional<std::string> fingerprint, dimension;
        for (const Row& row : transaction_->query(Statement(sql_.settings), options_.deadline)) {
            const auto key = row.get<std::string_view>("key");
            if (key == "embedder_dim") dimension = row.get<std::string>("value");
            if (key == "embedder_fingerprint") fingerprint = row.get<std::string>("value");
        }
        if (fingerprint && manifest_.embedder_fingerprint && fingerprint != manifest_.embedder_fingerprint) {
            raise(
                ErrorCode::fingerprint_mismatch,
                fmt::format("the vectors in {} were made by the embedder '{}', those of the archive by '{}': import it "
                            "into another schema, and use `stele cache reembed` there first",
                            where_, *fingerprint, *manifest_.embedder_fingerprint));
        }
        if (dimension && manifest_.embedder_dimension && *dimension != std::to_string(*manifest_.embedder_dimension)) {
            raise(ErrorCode::dimension_mismatch,
                  fmt::format(
                      "the vectors in {} have {} elements, those of the archive {}: import it into another schema",
                      where_, *dimension, *manifest_.embedder_dimension));
        }
    }

    void check_empty() {
        const Statement any(
            sql("SELECT EXISTS (SELECT FROM @entries), EXISTS (SELECT FROM @namespace_quotas) OR EXISTS (SELECT FROM"
                " @stele_cache_limits WHERE coalesce(max_entries, max_bytes) IS NOT NULL)"
                " OR EXISTS (SELECT FROM @stele_cache_policies)"));
        const Row found = transaction_->query(any, options_.deadline)[0];
        if (!found.get<bool>(0) && !found.get<bool>(1)) return;
        raise(ErrorCode::invalid_argument,
              fmt::format(
                  "{} holds {} already: say whether what is there is to be kept or replaced where the archive has "
                  "the same (`stele cache import` with --keep or --replace)",
                  where_, found.get<bool>(0) ? "entries" : "quotas, limits or policies"));
    }

    void write_rows(ArchiveReader& reader) {
        const ArchivePart* part = nullptr;
        std::string rows;
        const auto flush = [&] {
            if (rows.empty()) return;
            rows += ']';
            // counters and the like of an empty cache are what opening it left behind
            const bool replace = options_.existing != ExistingEntries::keep;
            const std::uint64_t written =
                transaction_->execute(Statement(import_part(*part, replace, schema_), rows), options_.deadline);
            if (part->table == "entries") done_.entries += written;
            rows.clear();
            if (options_.on_progress) options_.on_progress({false, reader.rows(), manifest_.all_rows()});
        };
        while (const auto line = reader.next(false)) {
            if (part != &line->part || rows.size() + line->row.size() > kBatch) flush();
            part = &line->part;
            rows += rows.empty() ? '[' : ',';
            rows += line->row;
        }
        flush();
    }

    void settle_embedder() {
        if (!manifest_.embedder_dimension) return;
        const Statement batch[] = {
            Statement(sql_.claim, manifest_.embedder_fingerprint, std::to_string(*manifest_.embedder_dimension)),
            Statement(sql_.fill_vectors)};
        transaction_->run(batch, options_.deadline);
    }

    void evict() {
        const std::optional<std::int64_t> none;
        const Statement all(sql("SELECT * FROM @stele_evict($1, '{}', $2, $3, 0)"), manifest_.namespaces, none, none);
        for (const CacheGone& each : read_gone(transaction_->query(all, options_.deadline))) {
            done_.evicted += static_cast<std::uint64_t>(each.evicted + each.expired);
        }
    }

    const CacheSql sql_;
    const std::string schema_, where_;
    const ImportCacheOptions& options_;
    const CacheManifest& manifest_;
    Transaction* transaction_ = nullptr;
    ImportedCache done_;
};

}  // namespace

CacheManifest check_cache_archive(const std::filesystem::path& file, const OnProgress& on_progress) {
    return ArchiveFile(file).check(on_progress);
}

ImportedCache import_cache(Database& database, const std::filesystem::path& file, const ImportCacheOptions& options) {
    ArchiveFile archive(file);
    const CacheManifest manifest = archive.check(options.on_progress);
    CacheImport import(database, options, manifest);
    return database.transaction(
        [&](Transaction& transaction) { return import.run(transaction, archive.from_start()); });
}

}  // namespace v0
}  // namespace stele
