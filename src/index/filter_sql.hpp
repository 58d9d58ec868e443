// A filter as a condition in SQL.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "index/filter_node.hpp"
#include "stele/statement.hpp"

namespace stele {

/// A condition for WHERE that says of the jsonb in `column` what matches() says: what does not match is false or NULL.
/// Its values and keys are added to `parameters`: the text depends on the filter's shape alone.
std::string filter_sql(const FilterNode& filter, std::string_view column, Parameters& parameters);

/// What an index on a member is made of: the expression that filter_sql() compares, when the server puts the keys into
/// it. Of keys only.
std::string member_sql(const detail::FilterPath& path, std::string_view column);
/// Whether indexes on such members find what the filter leaves, without a look at all rows.
bool narrows(const FilterNode& filter, const std::function<bool(const detail::FilterPath&)>& is_indexed);

}  // namespace stele
