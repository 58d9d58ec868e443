#include "model_archive.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <memory>
#include <new>
#include <utility>

#include "exit_code.hpp"
#include "model_files.hpp"

namespace stele::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBlock = 1 << 18;

struct FreeArchive {
    void operator()(archive* reader) const noexcept { archive_read_free(reader); }
};

[[noreturn]] void unusable(std::string message) {
    fail(ErrorCode::embedder_failed, std::move(message));
}

class ZipReader {
public:
    explicit ZipReader(const fs::path& file) : file_(file), reader_(archive_read_new()) {
        if (!reader_) throw std::bad_alloc();
        // only what is listed at the end of the file counts, as for pip and java
        archive_read_support_format_zip_seekable(reader_.get());
        if (archive_read_open_filename(reader_.get(), file_.c_str(), kBlock) != ARCHIVE_OK) damage();
    }

    /// The path of the next member; empty at the end.
    std::string next() {
        for (;;) {
            archive_entry* entry = nullptr;
            const int status = archive_read_next_header(reader_.get(), &entry);
            if (status == ARCHIVE_EOF) return {};
            if (status != ARCHIVE_OK && status != ARCHIVE_WARN) damage();
            const char* path = archive_entry_pathname(entry);
            if (path != nullptr && *path != '\0' && S_ISREG(archive_entry_filetype(entry))) return path;
        }
    }

    /// Writes the member that next() named.
    void write(const WantedMember& member) {
        std::ofstream out(member.target, std::ios::binary);
        std::vector<char> buffer(kBlock);
        std::uint64_t written = 0;
        while (out) {
            const la_ssize_t count = archive_read_data(reader_.get(), buffer.data(), buffer.size());
            if (count < 0) damage();
            if (count == 0) break;
            written += static_cast<std::uint64_t>(count);
            if (written > member.max_bytes) {
                unusable(fmt::format("its {} has more than {} bytes", member.path, member.max_bytes));
            }
            out.write(buffer.data(), count);
        }
        if (!out.flush()) fail_file(fmt::format("cannot write {}", member.target.string()), errno);
    }

private:
    [[noreturn]] void damage() {
        const char* why = archive_error_string(reader_.get());
        unusable(fmt::format("{} cannot be read as a zip archive: {}", file_.filename().string(),
                             why == nullptr ? "it is damaged" : why));
    }

    fs::path file_;
    std::unique_ptr<archive, FreeArchive> reader_;
};

}  // namespace

std::vector<std::string> list_archive(const fs::path& archive) {
    ZipReader reader(archive);
    std::vector<std::string> paths;
    for (std::string path = reader.next(); !path.empty(); path = reader.next()) paths.push_back(std::move(path));
    return paths;
}

void unpack(const fs::path& archive, const std::vector<WantedMember>& members) {
    ZipReader reader(archive);
    std::vector<WantedMember> left = members;
    while (!left.empty()) {
        const std::string path = reader.next();
        if (path.empty()) unusable(fmt::format("it holds no {}", left.front().path));
        const auto found = std::find_if(left.begin(), left.end(), [&](const auto& one) { return one.path == path; });
        if (found == left.end()) continue;
        reader.write(*found);
        left.erase(found);
    }
}

}  // namespace stele::cli
