// Reading a model's files again, to see whether they are the published ones.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stele/models.hpp"

namespace stele::cli {

struct FileCheck {
    std::string name;
    std::string fault;  ///< empty: it is what it should be
};

struct ModelCheck {
    std::string name;
    std::filesystem::path folder;
    std::vector<FileCheck> files;
    std::string fault;  ///< of the folder as a whole: what is missing

    bool whole() const;
    /// What is wrong, in one line.
    std::string summary() const;
};

/// Every file whose sum is known, from the catalog (`known`, or null) or the record.
ModelCheck check_model(std::string_view name, const std::filesystem::path& folder, const KnownModel* known);

/// "vocab.txt is not the published one: its sha256 is ab12..., not 07ec..."
std::string fault_of_sum(std::string_view file, std::string_view found, std::string_view wanted);

/// Nothing: there is none, or none that can be read.
std::optional<ModelRecord> readable_record(const std::filesystem::path& folder);

/// What lies in the folder and was neither recorded nor belongs to the model: somebody else's.
std::vector<std::string> foreign_files(const std::filesystem::path& folder, const KnownModel* known);

}  // namespace stele::cli
