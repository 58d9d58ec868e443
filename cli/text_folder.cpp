#include "text_folder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "exit_code.hpp"
#include "model_files.hpp"
#include "revision_limits.hpp"
#include "standard_input.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

namespace fs = std::filesystem;

void check(const std::error_code& error, std::string_view what, const fs::path& path) {
    if (error) fail_file(fmt::format("cannot {} {}", what, printable(path.string())), error.value());
}

bool ends_with_any(const std::string& name, const std::vector<std::string>& types) {
    return std::any_of(types.begin(), types.end(), [&](const std::string& type) { return name.ends_with(type); });
}

void read_into(const fs::path& folder, const std::string& prefix, const std::vector<std::string>& types,
               std::map<std::string, std::string>& files) {
    std::error_code error;
    fs::directory_iterator entry(folder, error);
    check(error, "read the folder", folder);
    for (; entry != fs::directory_iterator(); entry.increment(error)) {
        const std::string name = entry->path().filename().string();
        if (name.starts_with('.')) continue;
        const fs::file_status status = entry->symlink_status(error);
        check(error, "read", entry->path());
        const bool ours = ends_with_any(name, types);
        if (fs::is_symlink(status)) {
            std::error_code broken;
            if (!ours && !fs::is_directory(entry->path(), broken)) continue;
            refuse(fmt::format("{} is a symbolic link, which could lead out of the folder: put the file itself there",
                               printable(entry->path().string())));
        }
        if (fs::is_directory(status)) {
            read_into(entry->path(), prefix + name + "/", types, files);
        } else if (ours) {
            if (!fs::is_regular_file(status)) refuse(fmt::format("{} is no file", printable(entry->path().string())));
            files[prefix + name] = read_input("a file", entry->path().string(), kLongestContent);
        }
    }
    check(error, "read the folder", folder);
}

/// Makes the folders that `path` needs below `folder`.
void make_room(const fs::path& folder, const fs::path& path) {
    fs::path at = folder;
    std::error_code error;
    for (const fs::path& part : path.parent_path()) {
        at /= part;
        const fs::file_status status = fs::symlink_status(at, error);
        if (fs::is_symlink(status)) {
            refuse(
                fmt::format("{} is a symbolic link, which could lead out of the folder: nothing is written through "
                            "it",
                            printable(at.string())));
        }
        if (fs::exists(status)) continue;
        fs::create_directory(at, error);
        check(error, "create", at);
    }
}

bool has_content(const fs::path& file, const std::string& text) {
    std::error_code error;
    if (!fs::is_regular_file(fs::symlink_status(file, error)) || fs::file_size(file, error) != text.size())
        return false;
    return read_input("a file", file.string(), text.size()) == text;
}

void replace(const fs::path& file, const std::string& text) {
    const fs::path beside = file.parent_path() / fmt::format(".{}.new", file.filename().string());
    std::error_code error;
    fs::remove(beside, error);  // of a run that was killed
    write_file(beside, text);
    fs::rename(beside, file, error);
    if (!error) return;
    std::error_code ignored;
    fs::remove(beside, ignored);
    check(error, "replace", file);
}

}  // namespace

std::map<std::string, std::string> read_folder(const fs::path& folder, const std::vector<std::string>& types) {
    std::map<std::string, std::string> files;
    read_into(folder, "", types, files);
    return files;
}

bool folder_exists(const fs::path& folder) {
    std::error_code error;
    const bool exists = fs::exists(folder, error);
    check(error, "look at", folder);
    return exists;
}

Written compare_folder(const fs::path& folder, const std::map<std::string, std::string>& files) {
    Written would;
    for (const auto& [path, text] : files) ++(has_content(folder / path, text) ? would.unchanged : would.written);
    return would;
}

Written write_folder(const fs::path& folder, const std::map<std::string, std::string>& files) {
    std::error_code error;
    fs::create_directories(folder, error);
    std::error_code unknown;
    if (!fs::is_directory(folder, unknown)) check(error, "create", folder);
    Written written;
    for (const auto& [path, text] : files) {
        make_room(folder, path);
        const fs::path file = folder / path;
        if (has_content(file, text)) {
            ++written.unchanged;
        } else {
            replace(file, text);
            ++written.written;
        }
    }
    return written;
}

void remove_from_folder(const fs::path& folder, const std::vector<std::string>& paths) {
    for (const fs::path path : paths) {
        std::error_code error;
        fs::remove(folder / path, error);
        check(error, "remove", folder / path);
        for (fs::path parent = path.parent_path(); !parent.empty(); parent = parent.parent_path()) {
            fs::remove(folder / parent, error);  // only when it is empty
            if (error) break;
        }
    }
}

}  // namespace stele::cli
