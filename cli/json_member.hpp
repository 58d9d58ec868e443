// Members of JSON documents by path.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "stele/filter.hpp"

namespace stele::cli {

/// Null: there is none.
const nlohmann::json* find_member(const nlohmann::json& document, const detail::FilterPath& path);

/// The text of an object as it is, digit by digit, but without this member of it, or of objects in it. `document` is
/// JSON; the path is of names.
std::string without_member(std::string_view document, const detail::FilterPath& path);

}  // namespace stele::cli
