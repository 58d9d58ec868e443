#include <sys/stat.h>

#include "base/hash.hpp"
#include "base/replace_file.hpp"
#include "cache/archive_reader.hpp"
#include "cache/cache_sql.hpp"
#include "stele/copy.hpp"

namespace stele {
inline namespace v0 {

namespace {

constexpr mode_t kOwnerOnly = S_IRUSR | S_IWUSR;

/// All of one moment.
class CacheExport {
public:
    CacheExport(Database& database, const std::filesystem::path& file, const ExportCacheOptions& options)
        : schema_(database.quoted_schema()),
          options_(options),
          moment_(database.begin({.isolation = Isolation::repeatable_read, .read_only = true}, options.deadline)),
          file_(file, kOwnerOnly) {}

    CacheManifest run() {
        read_manifest();
        write(manifest_line(manifest_));
        for (const ArchivePart& part : kArchiveParts) write_rows(part);
        moment_.rollback(options_.deadline);
        file_.write(end_line(rows_, sum_.hex()));
        file_.keep();
        return manifest_;
    }

private:
    Rows ask(std::string_view sql) { return moment_.query(Statement(cache_sql(sql, schema_)), options_.deadline); }

    void read_manifest() {
        manifest_.index_backend = "flat";
        manifest_.store_backend = "postgres";
        manifest_.vector_dtype = "float32";
        for (const Row& row : ask("SELECT key, value FROM @schema_meta")) {
            const auto key = row.get<std::string_view>("key");
            if (key == "embedder_fingerprint") manifest_.embedder_fingerprint = row.get<std::string>("value");
            const auto number = [&row] { return std::strtoull(row.get<std::string>("value").c_str(), nullptr, 10); };
            if (key == "embedder_dim") manifest_.embedder_dimension = number();
            if (key == "schema_version") manifest_.schema_version = static_cast<int>(number());
        }
        for (const Row& row : ask("SELECT DISTINCT namespace COLLATE \"C\" AS namespace FROM @entries ORDER BY 1")) {
            manifest_.namespaces.push_back(row.get<std::string>(0));
        }
        manifest_.created_at =
            std::chrono::sys_seconds(std::chrono::seconds(ask("SELECT @now")[0].get<std::int64_t>(0)));
        for (const ArchivePart& part : kArchiveParts) {
            const auto count =
                moment_.query(Statement(count_part(part, schema_)), options_.deadline)[0].get<std::int64_t>(0);
            manifest_.rows[std::string(part.table)] = static_cast<std::uint64_t>(count);
        }
    }

    void write_rows(const ArchivePart& part) {
        const std::string prefix = row_prefix(part);
        CopyOut rows(moment_, export_part(part, schema_), options_.deadline);
        std::string line;
        while (const auto row = rows.next()) {
            line = prefix;
            line += row->get<std::string_view>(0);
            line += "}\n";
            write(line);
            if (++rows_ % kTellEach == 0) tell();
        }
        tell();
    }

    void write(const std::string& line) {
        sum_.add(line);
        file_.write(line);
    }
    void tell() const {
        if (options_.on_progress) options_.on_progress({false, rows_, manifest_.all_rows()});
    }

    const std::string& schema_;
    const ExportCacheOptions& options_;
    Transaction moment_;
    ReplacingFile file_;
    RunningSha256 sum_;
    CacheManifest manifest_;
    std::uint64_t rows_ = 0;
};

}  // namespace

CacheManifest export_cache(Database& database, const std::filesystem::path& file, const ExportCacheOptions& options) {
    return CacheExport(database, file, options).run();
}

}  // namespace v0
}  // namespace stele
