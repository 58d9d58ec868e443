// Whether what is found in a model's folder is whole (stele/models.hpp), as values.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "embedding/model_catalog.hpp"
#include "stele/models.hpp"

namespace stele {

/// As inspect_model(). Every error of this and the next is an Error(embedder_failed), never not_found, which would read
/// as a miss.
Result<InstalledModel> look_at_model(const std::filesystem::path& folder, const KnownModel* known);
/// What helps when the model of that name is damaged, to follow what is wrong: "; `stele model verify ..."
std::string repair_hint(std::string_view name, const KnownModel* known);
/// As find_model().
Result<InstalledModel> look_for_model(std::string_view name,
                                      const std::vector<std::filesystem::path>& search = model_search_path(),
                                      const ModelCatalog& catalog = known_models());

}  // namespace stele
