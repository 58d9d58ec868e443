// The vectors of one namespace in a file, as they lie in memory: mapped, not read.
//
//   head            128 bytes: what it is, how long its parts are, their checksums
//   meta            whose vectors, as of when, what is to be read again; padded to 64 bytes
//   rows            StoredRow each, padded to 64 bytes
//   vectors         RowFormat each
//
// In the machine's byte order: it serves the processes of one host. Nothing in it is trusted.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "embedding/mapped_file.hpp"
#include "postgres/change_log.hpp"
#include "vectors/flat_index.hpp"

namespace stele {

struct VectorFileMeta {
    std::string identity{};          ///< whose vectors: another one's are of no use
    ChangeLog::Look position{};      ///< all that it shows is in the rows, or among the stale
    std::vector<std::string> stale;  ///< hashes of questions whose rows are to be read again
};

/// A file that was checked, with what it holds. Immutable, hence thread-safe; rows may outlive it by way of memory().
class VectorFile {
public:
    /// not_found, permission, or invalid_argument: it is none, is damaged, or holds rows of another form.
    static Result<VectorFile> open(const std::filesystem::path& path, const RowFormat& format);
    /// The same of bytes that somebody holds in memory, at an address of a multiple of 64.
    static Result<VectorFile> read(std::span<const std::byte> bytes, std::shared_ptr<const void> memory,
                                   const RowFormat& format);

    const VectorFileMeta& meta() const noexcept { return meta_; }
    std::span<const StoredRow> rows() const noexcept { return rows_; }
    const std::byte* vectors() const noexcept { return vectors_; }
    const std::shared_ptr<const void>& memory() const noexcept { return memory_; }

private:
    VectorFileMeta meta_;
    std::span<const StoredRow> rows_;
    const std::byte* vectors_ = nullptr;
    std::shared_ptr<const void> memory_;
};

/// Writes a file in the place of what was there, readable by its owner only. Error: invalid_argument with the path and
/// the system's reason; then what was there is still there.
Result<void> write_vector_file(const std::filesystem::path& path, const RowFormat& format, const VectorFileMeta& meta,
                               const FlatIndex::Picture& picture);

}  // namespace stele
