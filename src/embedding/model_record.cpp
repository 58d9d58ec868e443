#include "embedding/model_record.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include "base/system.hpp"
#include "embedding/mapped_file.hpp"
#include "stele/describe.hpp"
#include "stele/describe_json.hpp"

namespace stele {
inline namespace v0 {
STELE_DESCRIBE(RecordedFile, (name), (sha256), (bytes), (mtime_ns))
STELE_DESCRIBE(ModelRecord, (name), (source), (files))
}  // namespace v0

namespace {

namespace fs = std::filesystem;

tl::unexpected<ErrorInfo> unreadable(const fs::path& file, std::string_view why) {
    return fail(make_error(ErrorCode::embedder_failed, fmt::format("{} cannot be read: {}", file.string(), why)));
}

struct FreeContext {
    void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};

}  // namespace

Result<std::optional<ModelRecord>> load_model_record(const fs::path& folder) {
    constexpr std::size_t kMost = 1U << 20U;
    const fs::path file = folder / kModelRecord;
    Result<std::optional<std::string>> text = read_if_present(file, kMost);
    if (!text) return fail(make_error(ErrorCode::embedder_failed, text.error().message));
    if (!*text) return std::nullopt;
    try {
        return from_json<ModelRecord>(Json::parse(**text));
    } catch (const Error& error) {
        return fail(make_error(ErrorCode::embedder_failed,
                               fmt::format("{} is not what Stele wrote: {}", file.string(), error.info().message)));
    }
}

std::optional<FileState> file_state(const fs::path& file) {
    struct stat status{};
    if (::stat(file.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
    constexpr std::int64_t kNanoseconds = 1'000'000'000;
    return FileState{static_cast<std::uint64_t>(status.st_size),
                     status.st_mtim.tv_sec * kNanoseconds + status.st_mtim.tv_nsec};
}

Result<std::string> file_sum(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) return unreadable(file, error_text(errno));
    const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
    bool hashed = context && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1;
    std::vector<char> buffer(1 << 18);
    while (in && hashed) {
        in.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
        hashed = EVP_DigestUpdate(context.get(), buffer.data(), static_cast<std::size_t>(in.gcount())) == 1;
    }
    if (!in.eof() && hashed) return unreadable(file, error_text(errno));
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (!hashed || EVP_DigestFinal_ex(context.get(), digest.data(), &size) != 1) {
        return fail(make_error(ErrorCode::internal, "OpenSSL cannot compute SHA-256"));
    }
    std::string hex;
    for (unsigned i = 0; i < size; ++i) hex += fmt::format("{:02x}", digest.at(i));
    return hex;
}

// ---- the public ones ------------------------------------------------------------------------------------------------

inline namespace v0 {

const RecordedFile* ModelRecord::find(std::string_view file) const noexcept {
    const auto found =
        std::find_if(files.begin(), files.end(), [&](const RecordedFile& one) { return one.name == file; });
    return found == files.end() ? nullptr : &*found;
}

std::string ModelRecord::text() const {
    return to_json(*this).text() + "\n";
}

std::optional<ModelRecord> read_model_record(const fs::path& folder) {
    return value_or_raise(load_model_record(folder));
}

std::string file_sha256(const fs::path& file) {
    return value_or_raise(file_sum(file));
}

RecordedFile record_file(const fs::path& folder, std::string_view name) {
    const fs::path file = folder / name;
    // the state first: of a file that changes meanwhile the sum is then not believed
    const FileState state = file_state(file).value_or(FileState());
    std::string sum = file_sha256(file);
    return {std::string(name), std::move(sum), state.bytes, state.mtime_ns};
}

}  // namespace v0

}  // namespace stele
