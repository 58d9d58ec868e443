// Members of JSON documents by path.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "stele/filter.hpp"

namespace stele::cli {

/// Null: there is none.
const nlohmann::json* find_member(const nlohmann::json& document, const detail::FilterPath& path);

}  // namespace stele::cli
