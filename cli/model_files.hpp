// A folder of models being changed: whole installations appear in it at once or not at all.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace stele::cli {

/// Throws Error for an errno: permission where we may not, resources where there is no room, else invalid_argument.
[[noreturn]] void fail_file(std::string_view what, int number);
/// In bytes. Nothing: it is not there, or no regular file.
std::optional<std::uint64_t> size_of_file(const std::filesystem::path& file);
/// Of the files in a folder, not of those in folders of it.
std::uint64_t bytes_in(const std::filesystem::path& folder);
/// A new file, or one with another content. Throws Error.
void write_file(const std::filesystem::path& file, std::string_view text);

/// A lock on a folder, held while it lives, by one process at a time and across a crash never. Where the file system
/// has none, nothing is locked.
class FolderLock {
public:
    enum class Wait : bool { no, yes };

    FolderLock(const std::filesystem::path& folder, Wait wait);
    FolderLock(const FolderLock&) = delete;
    FolderLock& operator=(const FolderLock&) = delete;
    ~FolderLock();

    /// False: another process has it, or there are no locks here.
    bool held() const noexcept { return held_; }

private:
    int fd_;
    bool held_ = false;
};

/// A hidden folder beside the models, in which one is put together. Gone when this object is, or, where the process was
/// killed, when the next one is made.
class Staging {
public:
    /// Creates `models` if need be. Throws Error when that cannot be written to.
    explicit Staging(std::filesystem::path models);
    Staging(const Staging&) = delete;
    Staging& operator=(const Staging&) = delete;
    ~Staging();

    /// For packages; emptied with clear().
    std::filesystem::path download() const { return folder_ / "download"; }
    /// For what programs keep while they run.
    std::filesystem::path temporary() const { return folder_ / "tmp"; }
    /// The model's folder to be; emptied with clear().
    std::filesystem::path model() const { return folder_ / "model"; }
    void clear();

    /// Makes model() last and gives it its place, `models`/`name`. What is there already goes, unless `whole` is
    /// content with it: then another process was first, and false is returned.
    bool place(std::string_view name, const std::function<bool(const std::filesystem::path&)>& whole);

private:
    std::filesystem::path models_;
    std::filesystem::path folder_;
    std::optional<FolderLock> lock_;
};

}  // namespace stele::cli
