#include "cache/vector_files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <system_error>
#include <utility>

#include "base/file_descriptor.hpp"
#include "base/file_lock.hpp"
#include "base/hash.hpp"
#include "base/signals_blocked.hpp"
#include "base/system.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kWorthIt = 1'000;  // rows: fewer are read from the tables as quickly
constexpr std::size_t kChangedPart = 16;
constexpr auto kBetweenSaves = 5min;
// The change log keeps an hour, after which a file is worth nothing.
constexpr auto kOld = 15min;

bool is_old(const std::filesystem::path& path) {
    std::error_code error;
    const auto written = std::filesystem::last_write_time(path, error);
    return error || std::filesystem::file_time_type::clock::now() - written > kOld;
}

}  // namespace

VectorFiles::VectorFiles(std::filesystem::path directory, std::string whose, ChangeFollower& follower, Log log)
    : directory_(std::move(directory)), whose_(std::move(whose)), follower_(follower), log_(std::move(log)) {
    std::error_code error;
    std::filesystem::create_directories(directory_, error);
    if (!std::filesystem::is_directory(directory_)) {
        raise(ErrorCode::invalid_argument,
              fmt::format("index_snapshot: there can be no directory {}: {}", directory_.string(), error.message()));
    }
}

std::string VectorFiles::identity(const std::string& name_space, VectorFormat format, std::size_t dimension) const {
    return fmt::format("{}\n{}\n{}\n{}", whose_, dimension, to_string(format), name_space);
}

std::filesystem::path VectorFiles::path(const std::string& identity) const {
    constexpr std::size_t kDigits = 32;
    return directory_ / (sha256_hex(identity).substr(0, kDigits) + ".vectors");
}

// What was changed since is asked for when the space can be told of all that is changed from now on.
std::optional<std::vector<std::string>> VectorFiles::restore(const std::string& name_space, VectorSpace& space,
                                                             Deadline deadline) noexcept {
    try {
        const RowFormat& format = space.row_format();
        const std::string whose = identity(name_space, format.format(), format.dimension());
        const Result<VectorFile> file = VectorFile::open(path(whose), format);
        if (!file) {
            if (file.error().code != ErrorCode::not_found) log_(file.error().message);
            return std::nullopt;
        }
        if (file->meta().identity != whose) return std::nullopt;
        const auto changes = follower_.since(file->meta().position, deadline);
        if (!changes) return std::nullopt;
        std::vector<std::string> stale = file->meta().stale;
        for (const Change& change : *changes) {
            if (change.store != "cache" || (change.name_space && *change.name_space != name_space)) continue;
            if (!change.name_space || !change.key) return std::nullopt;  // all of it
            stale.push_back(*change.key);
        }
        if (!space.adopt(file->memory(), file->vectors(), file->rows())) return std::nullopt;
        return stale;
    } catch (const std::exception& error) {
        log_(fmt::format("vectors are read from the tables, not from their file: {}", error.what()));
        return std::nullopt;
    }
}

void VectorFiles::save(VectorMemory& memory) noexcept {
    try {
        for (const VectorMemory::InMemory& one : memory.in_memory()) save(memory, one);
    } catch (const std::exception& error) {
        log_(fmt::format("the file of vectors could not be written: {}", error.what()));
    }
}

void VectorFiles::save(VectorMemory& memory, const VectorMemory::InMemory& one) {
    if (one.rows < kWorthIt) return;
    const std::string whose = identity(one.name_space, one.format, memory.dimension());
    const std::filesystem::path file = path(whose);
    if (one.changes <= one.rows / kChangedPart && !is_old(file)) return;
    const FileDescriptor lock(
        ::open((file.string() + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock) {
        log_(fmt::format("cannot open {}.lock: {}", file.string(), error_text(errno)));
        return;
    }
    if (!lock_file(lock.get(), LOCK_EX, Deadline::after(0s), ErrorCode::invalid_argument)) return;  // another writes it
    // before the picture: what that holds may be newer, never older
    std::optional<ChangeLog::Look> position = follower_.position();
    if (!position) return;
    std::optional<VectorMemory::Saved> saved = memory.picture(one.name_space, Deadline::after(1s));
    if (!saved || saved->format.format() != one.format) return;
    const VectorFileMeta meta{whose, std::move(*position), std::move(saved->stale)};
    if (const Result<void> written = write_vector_file(file, saved->format, meta, saved->picture); !written) {
        log_(written.error().message);
        return;
    }
    saved->done();
}

void VectorFiles::loaded(VectorMemory& memory) {
    const MutexLock lock(mutex_);
    wanted_ = true;
    waits_.notify_all();
    if (thread_.joinable() || stopping_) return;
    const SignalsBlocked blocked;
    thread_ = std::thread([this, &memory] { run(memory); });
}

void VectorFiles::run(VectorMemory& memory) {
    for (;;) {
        {
            const MutexLock lock(mutex_);
            const auto until = std::chrono::steady_clock::now() + kBetweenSaves;
            while (!stopping_ && !wanted_) {
                if (waits_.wait_until(mutex_, until) == std::cv_status::timeout) break;
            }
            if (stopping_) return;
            wanted_ = false;
        }
        save(memory);
    }
}

void VectorFiles::stop() noexcept {
    std::thread over;
    {
        const MutexLock lock(mutex_);
        stopping_ = true;
        over.swap(thread_);
        waits_.notify_all();
    }
    if (over.joinable()) over.join();
}

}  // namespace stele
