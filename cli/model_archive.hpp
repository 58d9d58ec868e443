// Reading a wheel or a jar, both of which are zip archives.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace stele::cli {

/// The paths in it. An error: it is no zip archive, or a damaged one.
Result<std::vector<std::string>> list_archive(const std::filesystem::path& archive);

struct WantedMember {
    std::string path;              ///< in the archive
    std::filesystem::path target;  ///< which must not exist yet
    std::uint64_t max_bytes = 0;   ///< a small archive can hold more than the disk
};

/// Writes these members and nothing else. An error: one is missing, is larger, or the archive is damaged; then some
/// may be there. Throws Error when the disk does not take them.
Result<void> unpack(const std::filesystem::path& archive, const std::vector<WantedMember>& members);

}  // namespace stele::cli
