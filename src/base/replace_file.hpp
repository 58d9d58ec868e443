// Writing a file so that a crash leaves the old one or the new one.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/file_descriptor.hpp"
#include "stele/deadline.hpp"

namespace stele {

/// Until the result is closed, nobody else gets it for a file of that folder; nothing when there is no folder. Throws
/// Error(unavailable), and Error(deadline_exceeded) when another keeps it.
FileDescriptor lock_folder_of(const std::filesystem::path& name, Deadline deadline);

/// A file that is written bit by bit and stands in the place of another, or of none, once all of it is on the disk.
/// Where the other is a link, what that leads to is replaced. Not thread-safe. Throws Error(unavailable).
class ReplacingFile {
public:
    /// `mode`: of the new file; nothing: that of the old one, or what the umask leaves.
    explicit ReplacingFile(const std::filesystem::path& name, std::optional<mode_t> mode = {});
    ReplacingFile(const ReplacingFile&) = delete;
    ReplacingFile& operator=(const ReplacingFile&) = delete;
    /// Unless it was kept, nothing has happened.
    ~ReplacingFile();

    void write(std::string_view text);
    void keep();

private:
    void send(std::string_view text);

    std::filesystem::path file_, beside_;
    FileDescriptor opened_;
    std::string buffer_;
    bool kept_ = false;
};

/// It keeps its mode. Throws Error(unavailable).
void replace_file(const std::filesystem::path& name, std::string_view text);

}  // namespace stele
