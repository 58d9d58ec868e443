#include "stele/migrations.hpp"

#include <utility>

#include "base/result.hpp"
#include "embedded/migration_files.hpp"
#include "postgres/adoptable.hpp"
#include "postgres/adoption_plan.hpp"
#include "postgres/migration_plan.hpp"
#include "postgres/migration_runner.hpp"
#include "stele/adopt.hpp"

namespace stele {
namespace {

/// CREATE TABLE IF NOT EXISTS would take a table of the same name for its own, whatever its columns.
void refuse_foreign_tables(Database& database, Deadline deadline, const std::vector<Migration>& all) {
    if (find_applied(database, deadline)) return;
    const Statement look(
        "SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND "
        "c.relkind IN ('r', 'p', 'v', 'm', 'f'))",
        database.schema());
    if (!database.query(look, deadline)[0].get<bool>(0)) return;
    AdoptionPlan plan;
    try {
        plan = plan_adoption(database, deadline, all);
    } catch (const Error& error) {
        if (error.code() != ErrorCode::permission) throw;
        return;  // no temporary tables for this role, with which to find out
    }
    std::erase_if(plan.obstacles, [](const Obstacle& obstacle) { return obstacle.is_right; });
    if (plan.obstacles.empty()) return;
    raise(ErrorCode::schema_conflict, "schema " + database.quoted_schema() +
                                          " cannot be migrated as it is; nothing was changed" +
                                          obstacles_text(plan.obstacles));
}

}  // namespace

inline namespace v0 {

const std::vector<Migration>& migrations() {
    static const std::vector<Migration> all = [] {
        std::vector<Migration> read;
        for (const EmbeddedFile& file : migration_files()) {
            read.push_back(value_or_raise(read_migration(file.name, file.content)));
        }
        return read;
    }();
    return all;
}

std::vector<MigrationStatus> migration_status(Database& database, std::optional<Deadline> deadline,
                                              const std::vector<Migration>& all) {
    const auto applied = find_applied(database, migration_deadline(deadline));
    return value_or_raise(compare_migrations(all, applied.value_or(std::vector<AppliedMigration>())));
}

void check_migrated(Database& database, std::optional<Deadline> deadline, const std::vector<Migration>& all) {
    const auto applied = find_applied(database, migration_deadline(deadline));
    const auto pending = value_or_raise(plan_migrations(all, applied.value_or(std::vector<AppliedMigration>())));
    if (pending.empty()) return;
    const std::string named = database.schema() == "stele" ? "" : "--schema " + database.schema() + " ";
    if (applied) {
        raise(ErrorCode::schema_missing, "schema " + database.quoted_schema() + " lacks " + describe(*pending.front()) +
                                             "; run `stele " + named + "migrate`");
    }
    const auto schemas = adoptable_schemas(database, database, migration_deadline(deadline));
    if (!schemas.empty() && schemas.front() == database.schema()) {
        raise(ErrorCode::schema_missing, "schema " + database.quoted_schema() +
                                             " has tables of draive, haiway or mneme, which Stele has not adopted; run "
                                             "`stele " +
                                             named + "adopt --plan`, then `stele " + named + "adopt`");
    }
    raise(ErrorCode::schema_missing,
          "schema " + database.quoted_schema() + " has no tables of Stele's; run `stele " + named + "migrate`");
}

std::vector<int> migrate(Database& database, std::optional<Deadline> deadline, const std::vector<Migration>& all) {
    refuse_foreign_tables(database, migration_deadline(deadline), all);
    return MigrationRunner(database, migration_deadline(deadline), all).run();
}

}  // namespace v0
}  // namespace stele
