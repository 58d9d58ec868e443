// A filter as a condition in SQL.
#pragma once

#include <string>
#include <string_view>

#include "index/filter_node.hpp"
#include "stele/statement.hpp"

namespace stele {

/// An expression that is true or false and never NULL, and says of the jsonb in `column` what matches() says. Its
/// values and keys are added to `parameters`: the text depends on the filter's shape alone.
std::string filter_sql(const FilterNode& filter, std::string_view column, Parameters& parameters);

}  // namespace stele
