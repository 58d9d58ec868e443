// What migrations make of an empty schema, found out by running them on temporary tables, which are gone afterwards. So
// nothing is said twice, and nobody else notices.
#pragma once

#include <vector>

#include "postgres/adoption_plan.hpp"
#include "postgres/migration_plan.hpp"

namespace stele {

/// Leaves nothing behind in the transaction.
WantedSchema try_migrations(Database& database, Transaction& transaction, const std::vector<Migration>& all,
                            const std::vector<AppliedMigration>& applied, Deadline deadline);

}  // namespace stele
