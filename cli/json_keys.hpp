// What JSON allows and people never mean.
#pragma once

#include <optional>
#include <string>

#include "stele/json.hpp"

namespace stele::cli {

/// The first key that one object of it gives twice, of which the database would keep the last.
std::optional<std::string> key_given_twice(const Json& json);

}  // namespace stele::cli
