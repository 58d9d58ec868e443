// What Stele placed in a model's folder, kept there as stele-model.json. While a file has the recorded size and time
// its recorded sum is believed, so that loading a model does not read the weights twice.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "stele/describe.hpp"
#include "stele/export.hpp"

namespace stele {

struct RecordedFile {
    std::string name;
    std::string sha256;
    std::uint64_t bytes = 0;
    std::int64_t mtime_ns = 0;
};
STELE_DESCRIBE(RecordedFile, (name), (sha256), (bytes), (mtime_ns))

struct STELE_API ModelRecord {
    std::string name;
    std::string source;  ///< for people
    std::vector<RecordedFile> files;

    const RecordedFile* find(std::string_view file) const noexcept;
};
STELE_DESCRIBE(ModelRecord, (name), (source), (files))

inline constexpr std::string_view kModelRecord = "stele-model.json";

/// Nothing: there is none, so Stele placed nothing there. An error: it cannot be read or is not what Stele writes.
STELE_API Result<std::optional<ModelRecord>> read_model_record(const std::filesystem::path& folder);
STELE_API std::string to_text(const ModelRecord& record);

struct FileState {
    std::uint64_t bytes = 0;
    std::int64_t mtime_ns = 0;
};
/// Nothing: it is not there, or no regular file.
STELE_API std::optional<FileState> file_state(const std::filesystem::path& file);

/// SHA-256 of a file, read in pieces.
STELE_API Result<std::string> file_sum(const std::filesystem::path& file);
/// Of a file of a model: the recorded one if its size and time are the recorded ones, else computed.
STELE_API Result<std::string> model_sum(const std::filesystem::path& folder, std::string_view file);

}  // namespace stele
