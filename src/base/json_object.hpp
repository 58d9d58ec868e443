// Members that many of draive's objects have: texts, and objects whose content is the application's.
#pragma once

#include <string_view>

#include "stele/detail/json_cursor.hpp"

namespace stele {

void write_string(detail::JsonWriter& out, std::string_view name, std::string_view text);
/// Refuses what is not an object, or no JSON although it was trusted to be.
void write_object(detail::JsonWriter& out, std::string_view name, const Json& json);

Json read_object(const detail::JsonReader& in);
/// The member `meta`; empty when it is missing or null.
Json read_meta(const detail::JsonReader& in);
/// The value of a member that must be there.
detail::JsonReader require(const detail::JsonReader& in, std::string_view name);

}  // namespace stele
