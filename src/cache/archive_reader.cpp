#include "cache/archive_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/result.hpp"

namespace stele {
namespace {

using nlohmann::json;

constexpr std::size_t kBlock = 1U << 18U;
// of which PostgreSQL could make no value any more
constexpr std::size_t kLongestLine = 1U << 30U;
constexpr std::string_view kEnd = "{\"end\":";

template <class T>
json or_null(const std::optional<T>& value) {
    return value ? json(*value) : json();
}

template <class T>
std::optional<T> optional_of(const json& value) {
    return value.is_null() ? std::nullopt : std::optional<T>(value.get<T>());
}

}  // namespace

std::string row_prefix(const ArchivePart& part) {
    return fmt::format("{{\"{}\":", part.table);
}

std::string manifest_line(const CacheManifest& manifest) {
    nlohmann::ordered_json line;
    line["format"] = kArchiveFormat;
    line["format_version"] = manifest.format_version;
    line["schema_version"] = manifest.schema_version;
    line["embedder_fingerprint"] = or_null(manifest.embedder_fingerprint);
    line["embedder_dim"] = or_null(manifest.embedder_dimension);
    line["index_backend"] = manifest.index_backend;
    line["store_backend"] = manifest.store_backend;
    line["vector_dtype"] = manifest.vector_dtype;
    line["created_at"] = manifest.created_at.time_since_epoch().count();
    line["namespaces"] = manifest.namespaces;
    line["rows"] = manifest.rows;
    return line.dump() + "\n";
}

std::string end_line(std::uint64_t rows, const std::string& sum) {
    return fmt::format("{}{{\"rows\":{},\"sha256\":\"{}\"}}}}\n", kEnd, rows, sum);
}

ArchiveReader::ArchiveReader(std::istream& in, const std::string& name) : in_(in), name_(name) {
    for (const ArchivePart& part : kArchiveParts) {
        prefixes_.push_back(row_prefix(part));
        columns_.push_back(column_names(part));
    }
    read_manifest();
}

void ArchiveReader::refuse(std::string_view reason) const {
    raise(ErrorCode::invalid_argument, fmt::format("{}, line {}: {}", name_, number_, reason));
}

// False at the end.
bool ArchiveReader::read_line() {
    line_.clear();
    ++number_;
    for (;;) {
        if (at_ == block_.size()) {
            block_.resize(kBlock);
            in_.read(block_.data(), kBlock);
            block_.resize(static_cast<std::size_t>(in_.gcount()));
            at_ = 0;
            if (in_.bad()) refuse("cannot be read");
            if (block_.empty()) {
                if (line_.empty()) return false;
                refuse("the archive is cut off here");
            }
        }
        const std::size_t end = block_.find('\n', at_);
        const std::size_t stop = std::min(end, block_.size());
        line_.append(block_, at_, stop - at_);
        at_ = stop;
        if (line_.size() > kLongestLine) refuse(fmt::format("is longer than {} bytes", kLongestLine));
        if (end == std::string::npos) continue;
        ++at_;
        return true;
    }
}

void ArchiveReader::read_manifest() {
    constexpr std::string_view kGzip = "\x1f\x8b";
    constexpr std::string_view kNone = "this is no archive of a semantic cache (`stele cache export` writes them)";
    block_.resize(kGzip.size());
    in_.read(block_.data(), static_cast<std::streamsize>(block_.size()));
    block_.resize(static_cast<std::size_t>(in_.gcount()));
    number_ = 1;
    if (block_ == kGzip) {
        refuse(
            "the file is compressed: decompress it first (a checkpoint of mneme's holds a SQLite database, which is "
            "not read)");
    }
    if (!block_.starts_with('{')) refuse(kNone);
    number_ = 0;
    if (!read_line()) refuse(kNone);
    sum_.add(line_);
    sum_.add("\n");
    try {
        const json line = json::parse(line_);
        if (!line.is_object() || line.value("format", json()) != kArchiveFormat) refuse(kNone);
        manifest_.format_version = line.at("format_version").get<int>();
        if (manifest_.format_version != kArchiveVersion) {
            refuse(fmt::format("the archive is of format {}, this Stele reads {}: use the Stele that wrote it",
                               manifest_.format_version, kArchiveVersion));
        }
        manifest_.schema_version = line.at("schema_version").get<int>();
        manifest_.embedder_fingerprint = optional_of<std::string>(line.at("embedder_fingerprint"));
        manifest_.embedder_dimension = optional_of<std::size_t>(line.at("embedder_dim"));
        line.at("index_backend").get_to(manifest_.index_backend);
        line.at("store_backend").get_to(manifest_.store_backend);
        line.at("vector_dtype").get_to(manifest_.vector_dtype);
        manifest_.created_at =
            std::chrono::sys_seconds(std::chrono::seconds(line.at("created_at").get<std::int64_t>()));
        line.at("namespaces").get_to(manifest_.namespaces);
        line.at("rows").get_to(manifest_.rows);
    } catch (const json::parse_error&) {
        refuse(kNone);
    } catch (const json::exception& error) {
        refuse(fmt::format("the manifest is damaged: {}", error.what()));
    }
}

std::optional<ArchiveReader::Line> ArchiveReader::next(bool check) {
    if (!read_line()) refuse("the archive is cut off here: its end is missing");
    if (line_.starts_with(kEnd)) {
        read_end();
        return std::nullopt;
    }
    sum_.add(line_);
    sum_.add("\n");
    for (std::size_t i = 0; i < prefixes_.size(); ++i) {
        if (!line_.starts_with(prefixes_[i]) || !line_.ends_with('}')) continue;
        const std::string_view row = std::string_view(line_).substr(prefixes_[i].size());
        const Line line{kArchiveParts[i], row.substr(0, row.size() - 1)};
        if (check) check_row(line, columns_[i]);
        ++rows_;
        ++counted_[std::string(line.part.table)];
        return line;
    }
    refuse("this is no row of a table that is known here");
}

void ArchiveReader::check_row(const Line& line, const std::vector<std::string>& columns) const {
    const json row = json::parse(line.row, nullptr, false);
    if (!row.is_object()) refuse("the row is damaged: it is no JSON object");
    for (const std::string& column : columns) {
        if (!row.contains(column)) refuse(fmt::format("the row is damaged: it has no \"{}\"", column));
    }
}

void ArchiveReader::read_end() {
    std::string sum;
    std::uint64_t rows = 0;
    try {
        const json end = json::parse(line_).at("end");
        end.at("sha256").get_to(sum);
        end.at("rows").get_to(rows);
    } catch (const json::exception&) {
        refuse("the end of the archive is damaged");
    }
    std::erase_if(manifest_.rows, [](const auto& each) { return each.second == 0; });
    if (sum != sum_.hex() || rows != rows_ || counted_ != manifest_.rows) {
        refuse("the archive is damaged: the checksum in its last line is not that of what stands before");
    }
    if (read_line()) refuse("something follows the end of the archive");
}

}  // namespace stele
