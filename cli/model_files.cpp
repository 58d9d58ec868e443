#include "model_files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <system_error>
#include <utility>
#include <vector>

#include "exit_code.hpp"

namespace stele::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kStagingPrefix = ".install-";

void check(const std::error_code& error, std::string_view what, const fs::path& path) {
    if (error) fail_file(fmt::format("{} {}", what, path.string()), error.value());
}

/// What a file or a folder holds survives a power cut from now on.
void make_last(const fs::path& path, std::optional<mode_t> mode) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) fail_file(fmt::format("cannot open {}", path.string()), errno);
    const bool done = (!mode || ::fchmod(fd, *mode) == 0) && ::fsync(fd) == 0;
    const int number = errno;
    ::close(fd);
    if (!done) fail_file(fmt::format("cannot write {} to the disk", path.string()), number);
}

/// What processes that were killed left behind.
void sweep(const fs::path& models) {
    std::vector<fs::path> found;
    std::error_code error;
    for (fs::directory_iterator entry(models, error), end; !error && entry != end; entry.increment(error)) {
        if (entry->path().filename().string().starts_with(kStagingPrefix)) found.push_back(entry->path());
    }
    for (const fs::path& folder : found) {
        if (FolderLock(folder, FolderLock::Wait::no).held()) fs::remove_all(folder, error);
    }
}

fs::path make_folder(const fs::path& models) {
    std::string name = (models / fmt::format("{}XXXXXX", kStagingPrefix)).string();
    if (::mkdtemp(name.data()) == nullptr) {
        fail_file(fmt::format("cannot write to {} (STELE_MODELS can name another folder)", models.string()), errno);
    }
    return name;
}

}  // namespace

void fail_file(std::string_view what, int number) {
    ErrorCode code = ErrorCode::invalid_argument;
    if (number == EACCES || number == EPERM || number == EROFS) code = ErrorCode::permission;
    for (const int full : {ENOSPC, EDQUOT, EIO, ENOMEM, EMFILE, ENFILE, EFBIG}) {
        if (number == full) code = ErrorCode::resources;
    }
    fail(code, fmt::format("{}: {}", what, std::generic_category().message(number)));
}

std::optional<std::uint64_t> size_of_file(const fs::path& file) {
    std::error_code error;
    if (!fs::is_regular_file(file, error)) return std::nullopt;
    const std::uintmax_t bytes = fs::file_size(file, error);
    return error ? std::nullopt : std::optional<std::uint64_t>(bytes);
}

std::uint64_t bytes_in(const fs::path& folder) {
    std::uint64_t all = 0;
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
        all += size_of_file(entry->path()).value_or(0);
    }
    return all;
}

void write_file(const fs::path& file, std::string_view text) {
    std::ofstream out(file, std::ios::binary | std::ios::trunc);
    out.write(text.data(), static_cast<std::streamsize>(text.size()));
    if (!out.flush()) fail_file(fmt::format("cannot write {}", file.string()), errno);
}

FolderLock::FolderLock(const fs::path& folder, Wait wait)
    : fd_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (fd_ < 0) return;
    int status = 0;
    do {
        status = ::flock(fd_, wait == Wait::yes ? LOCK_EX : LOCK_EX | LOCK_NB);
    } while (status != 0 && errno == EINTR);
    held_ = status == 0;
}

FolderLock::~FolderLock() {
    if (fd_ >= 0) ::close(fd_);
}

Staging::Staging(fs::path models) : models_(std::move(models)) {
    std::error_code error;
    fs::create_directories(models_, error);
    check(error, "cannot create", models_);
    // the next sweep must not see this folder before it is locked
    const FolderLock guard(models_, FolderLock::Wait::yes);
    if (guard.held()) sweep(models_);
    folder_ = make_folder(models_);
    lock_.emplace(folder_, FolderLock::Wait::no);
    try {
        clear();
    } catch (...) {
        fs::remove_all(folder_, error);
        throw;
    }
}

Staging::~Staging() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
}

void Staging::clear() {
    for (const fs::path& folder : {download(), temporary(), model()}) {
        std::error_code error;
        fs::remove_all(folder, error);
        check(error, "cannot empty", folder);
        fs::create_directory(folder, error);
        check(error, "cannot create", folder);
    }
}

bool Staging::place(std::string_view name, const std::function<bool(const fs::path&)>& whole) {
    for (const fs::directory_entry& file : fs::directory_iterator(model())) make_last(file.path(), 0644);
    make_last(model(), 0755);
    const FolderLock guard(models_, FolderLock::Wait::yes);
    const fs::path target = models_ / name;
    const fs::path before = folder_ / "replaced";
    std::error_code error, ignored;
    if (fs::exists(fs::symlink_status(target, ignored))) {
        if (whole(target)) return false;
        fs::rename(target, before, error);
        check(error, "cannot replace", target);
    }
    fs::rename(model(), target, error);
    if (error) fs::rename(before, target, ignored);
    check(error, "cannot create", target);
    make_last(models_, std::nullopt);
    return true;
}

}  // namespace stele::cli
