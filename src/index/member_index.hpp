// Indexes on members of documents, and what filters they serve.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "index/filter_node.hpp"

namespace stele {

/// The value at a path of keys only, which stand in the text.
std::string member_value_sql(const detail::FilterPath& path, std::string_view column);
/// The expression of it that filter_sql() compares.
std::string member_sql(const detail::FilterPath& path, std::string_view column);
/// What stands behind "CREATE INDEX ... ON table": an index of that, of the values that are short enough.
std::string member_index_sql(const detail::FilterPath& path, std::string_view column);

/// What such an index holds, and a comparison has to say for the index to serve it. `value` is as the index has it.
std::string is_indexed_sql(std::string_view value);
/// All that such a comparison finds is in an index on its member.
bool is_by_index(const FilterNode& filter);

/// Whether indexes on such members find what the filter leaves, without a look at all rows.
bool narrows(const FilterNode& filter, const std::function<bool(const detail::FilterPath&)>& is_indexed);

}  // namespace stele
