// A directory of a test's own, and where it may be.
#pragma once

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>

namespace stele::test {

/// For a server's data: in memory, where many small durable writes cost nothing, if there is enough of it (a container
/// may leave it 64 MiB); else where TMPDIR says. scripts/with_postgres chooses alike.
inline std::filesystem::path place_of_data() {
    const std::filesystem::path memory = "/dev/shm";
    constexpr std::uintmax_t kNeededBytes = 500'000'000;
    std::error_code none;
    const std::uintmax_t free_bytes = std::filesystem::space(memory, none).available;
    const bool enough = !none && free_bytes > kNeededBytes && ::access(memory.c_str(), W_OK) == 0;
    return enough ? memory : std::filesystem::temp_directory_path();
}

/// For Unix sockets: where TMPDIR says, or /tmp if that path is too long for one (107 bytes, of which the names below
/// it take up to 40) or has something in it that PostgreSQL's settings or a connection string would not take as it is.
inline std::filesystem::path place_of_sockets() {
    constexpr std::size_t kLongest = 60;
    const std::filesystem::path place = std::filesystem::canonical(std::filesystem::temp_directory_path());
    const bool plain = place.native().find_first_of(", \t\n\"'\\") == std::string::npos;
    return plain && place.native().size() <= kLongest ? place : "/tmp";
}

/// Gone at the end, with all that is in it.
class TemporaryDirectory {
public:
    explicit TemporaryDirectory(const std::filesystem::path& place = std::filesystem::temp_directory_path()) {
        std::string name = (place / "stele-test-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a directory in " + place.string());
        path_ = std::filesystem::canonical(name);
    }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    ~TemporaryDirectory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

}  // namespace stele::test
