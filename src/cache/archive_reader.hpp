// Reading an archive of the cache, line by line, in bounded memory.
#pragma once

#include <istream>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.hpp"
#include "cache/archive_parts.hpp"
#include "stele/cache_archive.hpp"

namespace stele {

inline constexpr std::string_view kArchiveFormat = "stele cache archive";
inline constexpr int kArchiveVersion = 1;
inline constexpr std::uint64_t kTellEach = 256;  ///< rows, of progress

/// The first and the last line of an archive.
std::string manifest_line(const CacheManifest& manifest);
std::string end_line(std::uint64_t rows, const std::string& sum);
/// What begins a line of a row, which `}` ends.
std::string row_prefix(const ArchivePart& part);

/// Not thread-safe. Throws Error(invalid_argument), naming the file and the line.
class ArchiveReader {
public:
    /// Reads the manifest. Both must outlive it; `name` stands for the stream in messages.
    ArchiveReader(std::istream& in, const std::string& name);

    const CacheManifest& manifest() const noexcept { return manifest_; }

    struct Line {
        const ArchivePart& part;
        std::string_view row;  ///< JSON, valid until the next call
    };
    /// Nothing after the last, when the sum and the counts are known to be right and nothing follows. `check`: that the
    /// row is an object with the table's columns.
    std::optional<Line> next(bool check);

    /// Lines of rows so far.
    std::uint64_t rows() const noexcept { return rows_; }

private:
    bool read_line();
    void read_manifest();
    void read_end();
    void check_row(const Line& line, const std::vector<std::string>& columns) const;
    [[noreturn]] void refuse(std::string_view reason) const;

    std::istream& in_;
    const std::string& name_;
    std::vector<std::string> prefixes_;              // a part each
    std::vector<std::vector<std::string>> columns_;  // likewise
    std::string block_, line_;
    std::size_t at_ = 0;  // in the block
    std::uint64_t number_ = 0, rows_ = 0;
    RunningSha256 sum_;
    CacheManifest manifest_;
    std::map<std::string, std::uint64_t> counted_;
};

}  // namespace stele
