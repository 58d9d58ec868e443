// Reading what Stele noted of a model's files (stele/models.hpp), and the sums that it spares to compute.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "stele/models.hpp"

namespace stele {

/// As read_model_record().
Result<std::optional<ModelRecord>> load_model_record(const std::filesystem::path& folder);

struct FileState {
    std::uint64_t bytes = 0;
    std::int64_t mtime_ns = 0;
};
/// Nothing: it is not there, or no regular file.
std::optional<FileState> file_state(const std::filesystem::path& file);

/// As file_sha256().
Result<std::string> file_sum(const std::filesystem::path& file);

}  // namespace stele
