#include "base/replace_file.hpp"

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
#include "base/system.hpp"

namespace stele {
namespace {

void check(bool done, std::string_view what, const std::filesystem::path& path) {
    if (done) return;
    const std::string reason = error_text(errno);
    raise(ErrorCode::unavailable, fmt::format("cannot {} {}: {}", what, path.string(), reason));
}

void sync(const std::filesystem::path& path, int flags) {
    const FileDescriptor opened(::open(path.c_str(), flags | O_CLOEXEC));
    check(opened && ::fsync(opened.get()) == 0, "write to the disk", path);
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

ReplacingFile::ReplacingFile(const std::filesystem::path& name, std::optional<mode_t> mode)
    : file_(target_of(name)), beside_(file_) {
    static std::atomic<int> count{0};
    constexpr mode_t kUsual = 0666;  // less the umask
    constexpr mode_t kPermissions = 07777;
    beside_ += fmt::format(".{}-{}.new", ::getpid(), ++count);
    opened_ = FileDescriptor(::open(beside_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode.value_or(kUsual)));
    check(static_cast<bool>(opened_), "create", beside_);
    struct stat found{};
    if (mode || ::stat(file_.c_str(), &found) != 0) return;
    if (::fchmod(opened_.get(), found.st_mode & kPermissions) == 0) return;
    const int reason = errno;
    ::unlink(beside_.c_str());
    errno = reason;
    check(false, "set the mode of", beside_);
}

ReplacingFile::~ReplacingFile() {
    if (!kept_) ::unlink(beside_.c_str());
}

void ReplacingFile::write(std::string_view text) {
    constexpr std::size_t kBuffer = 1U << 18U;
    buffer_ += text;
    if (buffer_.size() < kBuffer) return;
    send(buffer_);
    buffer_.clear();
}

void ReplacingFile::send(std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(opened_.get(), text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        check(written >= 0, "write", beside_);
        text.remove_prefix(static_cast<std::size_t>(written));
    }
}

void ReplacingFile::keep() {
    send(buffer_);
    buffer_.clear();
    check(::fsync(opened_.get()) == 0, "write to the disk", beside_);
    check(::rename(beside_.c_str(), file_.c_str()) == 0, "replace", file_);
    kept_ = true;
    sync(folder_of(file_), O_RDONLY | O_DIRECTORY);
}

void replace_file(const std::filesystem::path& name, std::string_view text) {
    ReplacingFile file(name);
    file.write(text);
    file.keep();
}

}  // namespace stele
