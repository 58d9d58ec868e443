// Where tables of draive, haiway or mneme are.
#pragma once

#include <string>
#include <vector>

#include "stele/database.hpp"

namespace stele {

/// Schemas with such a table, the database's own first; not more than a message can name. Stele's own schemas are among
/// them.
std::vector<std::string> adoptable_schemas(const Database& database, Executor& executor, Deadline deadline);

}  // namespace stele
