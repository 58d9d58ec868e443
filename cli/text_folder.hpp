// A folder of text files, read and written without leaving it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace stele::cli {

/// All files in the folder and in those below it whose names end with one of `types`, by their path in it, with
/// slashes. What begins with a dot is passed over. Throws Error(invalid_argument) when the folder cannot be read, and
/// for a symbolic link where a file or folder of ours could be: it might lead anywhere.
std::map<std::string, std::string> read_folder(const std::filesystem::path& folder,
                                               const std::vector<std::string>& types);

/// Throws Error(invalid_argument) when that cannot be found out.
bool folder_exists(const std::filesystem::path& folder);

struct Written {
    std::size_t written = 0;  ///< new ones, and those whose content was another
    std::size_t unchanged = 0;
};
/// What write_folder() would do.
Written compare_folder(const std::filesystem::path& folder, const std::map<std::string, std::string>& files);
/// Creates the folder if need be. Each file is replaced in one step, unless it has that content already. Throws Error
/// when that fails, and rather than follow a symbolic link to a folder.
Written write_folder(const std::filesystem::path& folder, const std::map<std::string, std::string>& files);
/// Removes these files, and the folders below `folder` that become empty.
void remove_from_folder(const std::filesystem::path& folder, const std::vector<std::string>& paths);

}  // namespace stele::cli
