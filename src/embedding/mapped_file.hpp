// A file seen as memory.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include "base/result.hpp"

namespace stele {

/// Read-only. The file may be replaced by another one of its name meanwhile (rename), but must not be cut short in
/// place: reading a page that is gone ends the process. Thread-safe to read.
class MappedFile {
public:
    /// Of a regular file. not_found, permission, or invalid_argument with the path and the system's reason.
    static Result<MappedFile> open(const std::filesystem::path& path);

    MappedFile(MappedFile&& other) noexcept;
    MappedFile& operator=(MappedFile&& other) noexcept;
    ~MappedFile();

    std::span<const std::byte> bytes() const noexcept { return bytes_; }
    /// Gives the memory of the whole pages inside of `part` back to the system; they are read from the file again when
    /// they are touched.
    void release_pages(std::span<const std::byte> part) const noexcept;

private:
    explicit MappedFile(std::span<std::byte> bytes) noexcept : bytes_(bytes) {}

    std::span<std::byte> bytes_;
};

/// A whole file of at most `most` bytes. Nothing: there is none of that name. Errors as MappedFile::open.
Result<std::optional<std::string>> read_if_present(const std::filesystem::path& path, std::size_t most);

}  // namespace stele
