// Names in SQL text.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace stele {

/// In double quotes, with those inside doubled. Throws Error(invalid_argument) for a name that is empty or holds NUL.
std::string quote_identifier(std::string_view name);

/// As an SQL string, whatever standard_conforming_strings says: for the commands that take no parameters. Throws
/// Error(invalid_argument) for text that PostgreSQL cannot store.
std::string quote_literal(std::string_view text);

/// A schema name that Stele takes: 1 to 63 bytes, of letters and digits (of any script) and underscores, as mneme does,
/// and not one of PostgreSQL's own (pg_...).
Result<void> check_schema_name(std::string_view name);

}  // namespace stele
