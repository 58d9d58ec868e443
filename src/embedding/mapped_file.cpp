#include "embedding/mapped_file.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/system.hpp"

namespace stele {
namespace {

struct Descriptor {
    explicit Descriptor(int number) : fd(number) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (fd >= 0) ::close(fd);
    }
    const int fd;
};

tl::unexpected<ErrorInfo> cannot_read(const std::filesystem::path& path, std::string_view why,
                                      ErrorCode code = ErrorCode::invalid_argument) {
    return fail(make_error(code, fmt::format("cannot read {}: {}", path.string(), why)));
}

tl::unexpected<ErrorInfo> cannot_read(const std::filesystem::path& path, int error) {
    const ErrorCode code = error == ENOENT || error == ENOTDIR ? ErrorCode::not_found
                           : error == EACCES || error == EPERM ? ErrorCode::permission
                                                               : ErrorCode::invalid_argument;
    return cannot_read(path, error_text(error), code);
}

}  // namespace

Result<MappedFile> MappedFile::open(const std::filesystem::path& path) {
    // Without O_NONBLOCK the open of a FIFO would wait for a writer.
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (file.fd < 0) return cannot_read(path, errno);
    struct stat status{};
    if (::fstat(file.fd, &status) != 0) return cannot_read(path, errno);
    if (!S_ISREG(status.st_mode)) return cannot_read(path, "it is not a regular file");

    const auto size = static_cast<std::size_t>(status.st_size);
    if (size == 0) return MappedFile(std::span<std::byte>());
    void* const memory = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.fd, 0);
    if (memory == MAP_FAILED) return cannot_read(path, errno);
    return MappedFile(std::span(static_cast<std::byte*>(memory), size));
}

MappedFile::MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
}

MappedFile::~MappedFile() {
    if (!bytes_.empty()) ::munmap(bytes_.data(), bytes_.size());
}

void MappedFile::release_pages(std::span<const std::byte> part) const noexcept {
    // Never beyond the mapping: there this call would zero somebody's memory.
    const auto address = [](const std::byte* byte) { return reinterpret_cast<std::uintptr_t>(byte); };
    const std::uintptr_t base = address(bytes_.data());
    const std::uintptr_t begin = std::max(address(part.data()), base);
    const std::uintptr_t end = std::min(address(part.data()) + part.size(), base + bytes_.size());
    const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    const std::uintptr_t first = (begin + page - 1) / page * page;
    const std::uintptr_t last = end / page * page;
    if (first < last) ::madvise(bytes_.data() + (first - base), last - first, MADV_DONTNEED);
}

Result<std::optional<std::string>> read_if_present(const std::filesystem::path& path, std::size_t most) {
    const Result<MappedFile> file = MappedFile::open(path);
    if (!file && file.error().code == ErrorCode::not_found) return std::nullopt;
    if (!file) return fail(file.error());
    const std::span<const std::byte> bytes = file->bytes();
    if (bytes.size() > most) return cannot_read(path, fmt::format("{} bytes are too many for it", bytes.size()));
    return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

}  // namespace stele
