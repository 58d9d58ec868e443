// Where models live on this machine, and whether what is found there is whole. A model is a folder of published files,
// named as the model.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "embedding/model_catalog.hpp"
#include "embedding/model_record.hpp"
#include "stele/export.hpp"

namespace stele {

// ---- where ----------------------------------------------------------------------------------------------------------

/// What the environment says of it.
struct ModelEnvironment {
    std::string models;     ///< STELE_MODELS: folders, with colons between
    std::string data_home;  ///< XDG_DATA_HOME; a relative one is ignored, as its specification asks
    std::string home;       ///< HOME, else what the user database says
};
STELE_API ModelEnvironment model_environment();

inline constexpr std::string_view kSystemModels = "/usr/local/share/stele/models";  ///< `install --system` writes here
inline constexpr std::string_view kPackagedModels = "/usr/share/stele/models";

/// Absolute, in the order in which they are looked in: those of STELE_MODELS, the user's, the system's.
STELE_API std::vector<std::filesystem::path> model_search_path(const ModelEnvironment& environment);
STELE_API std::vector<std::filesystem::path> model_search_path();
/// Where models are installed: the first of STELE_MODELS, else the user's data folder. Nothing when there is no home.
STELE_API std::optional<std::filesystem::path> model_install_folder(const ModelEnvironment& environment);

// ---- what is there --------------------------------------------------------------------------------------------------

struct InstalledModel {
    std::string name;
    std::filesystem::path folder;
    std::string weights;        ///< the file that holds them: "model.safetensors" or "model.onnx"
    std::string model_sha256;   ///< of the weights as recorded; empty when nothing is recorded
    bool sum_is_fresh = false;  ///< the record still fits the file; else model_sum() has to read it
};

/// The first folder of that name, whole or not.
STELE_API std::optional<std::filesystem::path> find_model_folder(std::string_view name,
                                                                 const std::vector<std::filesystem::path>& search);
/// Looks at names, sizes and times; reads no weights. `known`: what the catalog says of that name, or null. Every error
/// of this and the next is an Error(embedder_failed), never not_found, which would read as a miss.
STELE_API Result<InstalledModel> inspect_model(std::string_view name, const std::filesystem::path& folder,
                                               const KnownModel* known);
/// The first of that name in the search path. The error of one that is absent names the folders looked in and what
/// installs it; of one that is damaged, what is wrong and what examines it. A damaged one is not passed over: what is
/// found behind it may be another model.
STELE_API Result<InstalledModel> find_model(std::string_view name,
                                            const std::vector<std::filesystem::path>& search = model_search_path(),
                                            const ModelCatalog& catalog = known_models());

}  // namespace stele
