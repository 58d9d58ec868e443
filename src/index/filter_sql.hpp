// A filter as a condition in SQL.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "index/filter_node.hpp"
#include "stele/detail/filter_path.hpp"
#include "stele/statement.hpp"

namespace stele {

/// A condition for WHERE that says of the jsonb in `column` what matches() says: what does not match is false or NULL.
/// Its values and keys are added to `parameters`: the text depends on the filter's shape alone, but for the keys of
/// paths that `is_written` knows. Those must be the program's own, as members with an index are: they stand in the text
/// as they do in the index, so that a plan can be kept that takes it, whatever the values.
std::string filter_sql(const FilterNode& filter, std::string_view column, Parameters& parameters,
                       const std::function<bool(const detail::FilterPath&)>& is_written = {});

}  // namespace stele
