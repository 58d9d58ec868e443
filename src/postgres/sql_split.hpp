// SQL text with several statements, taken apart: the server takes one at a time.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace stele {

/// The statements between the semicolons, in order, without blanks and comments around them; parts of `sql`. Knows
/// quoted and dollar-quoted text, E'' escapes, nested comments, and parentheses (CREATE RULE ... DO (a; b)). A function
/// body must be quoted: BEGIN ATOMIC is not understood. Error(invalid_argument) when a quote, comment or parenthesis
/// does not end, with its line.
Result<std::vector<std::string_view>> split_sql(std::string_view sql);

/// One statement with `prefix` in place of the $ of its parameters, not of what looks like one inside of quotes and
/// comments. Nothing when there is not exactly one statement.
std::optional<std::string> rename_parameters(std::string_view sql, std::string_view prefix);

}  // namespace stele
