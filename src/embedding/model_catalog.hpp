// Finding a model in the catalog (stele/models.hpp) or, in tests, in one of their own.
#pragma once

#include <string_view>
#include <vector>

#include "stele/models.hpp"

namespace stele {

using ModelCatalog = std::vector<KnownModel>;

/// Null: not known.
const KnownModel* find_in(const ModelCatalog& catalog, std::string_view name);
/// Of the weights, so that a folder of any name is recognised. Null: not known.
const KnownModel* find_model_by_sum(std::string_view sha256);

}  // namespace stele
