#include "templates/replace_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <system_error>

#include "base/file_lock.hpp"
#include "base/result.hpp"

namespace stele {
namespace {

void check(bool done, std::string_view what, const std::filesystem::path& path) {
    if (done) return;
    const std::string reason = std::generic_category().message(errno);
    raise(ErrorCode::unavailable, fmt::format("cannot {} {}: {}", what, path.string(), reason));
}

void sync(const std::filesystem::path& path, int flags) {
    const FileDescriptor opened(::open(path.c_str(), flags | O_CLOEXEC));
    check(opened && ::fsync(opened.get()) == 0, "write to the disk", path);
}

void write_all(const FileDescriptor& file, std::string_view text, const std::filesystem::path& path) {
    while (!text.empty()) {
        const ssize_t written = ::write(file.get(), text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        check(written >= 0, "write", path);
        text.remove_prefix(static_cast<std::size_t>(written));
    }
}

/// With the mode of the one it is to replace.
void write_new(const std::filesystem::path& beside, std::string_view text, const std::filesystem::path& old) {
    constexpr mode_t kMode = 0666;  // less the umask
    constexpr mode_t kPermissions = 07777;
    const FileDescriptor opened(::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kMode));
    check(static_cast<bool>(opened), "create", beside);
    struct stat found{};
    if (::stat(old.c_str(), &found) == 0) {
        check(::fchmod(opened.get(), found.st_mode & kPermissions) == 0, "set the mode of", beside);
    }
    write_all(opened, text, beside);
    check(::fsync(opened.get()) == 0, "write to the disk", beside);
}

/// What a link leads to.
std::filesystem::path target_of(const std::filesystem::path& name) {
    std::error_code missing;
    std::filesystem::path file = std::filesystem::canonical(name, missing);
    return missing ? name : file;
}

std::filesystem::path folder_of(const std::filesystem::path& file) {
    return file.has_parent_path() ? file.parent_path() : ".";
}

}  // namespace

FileDescriptor lock_folder_of(const std::filesystem::path& name, Deadline deadline) {
    const std::filesystem::path folder = folder_of(target_of(name));
    FileDescriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened && errno == ENOENT) return opened;
    check(static_cast<bool>(opened), "open the folder", folder);
    if (lock_file(opened.get(), LOCK_EX, deadline, ErrorCode::unavailable)) return opened;
    raise(ErrorCode::deadline_exceeded, fmt::format("another keeps the folder {} locked", folder.string()));
}

void replace_file(const std::filesystem::path& name, std::string_view text) {
    static std::atomic<int> count{0};
    const std::filesystem::path file = target_of(name);
    std::filesystem::path beside = file;
    beside += fmt::format(".{}-{}.new", ::getpid(), ++count);
    try {
        write_new(beside, text, file);
        check(::rename(beside.c_str(), file.c_str()) == 0, "replace", file);
    } catch (...) {
        ::unlink(beside.c_str());
        throw;
    }
    sync(folder_of(file), O_RDONLY | O_DIRECTORY);
}

}  // namespace stele
