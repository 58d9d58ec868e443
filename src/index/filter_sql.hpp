// A filter as a condition in SQL.
#pragma once

#include <string>
#include <string_view>

#include "index/filter_node.hpp"
#include "stele/statement.hpp"

namespace stele {

/// A condition for WHERE that says of the jsonb in `column` what matches() says: what does not match is false or NULL.
/// Its values and keys are added to `parameters`: the text depends on the filter's shape alone.
std::string filter_sql(const FilterNode& filter, std::string_view column, Parameters& parameters);

}  // namespace stele
