#include "stele/migrations.hpp"

#include "base/result.hpp"
#include "embedded/migration_files.hpp"
#include "postgres/migration_plan.hpp"
#include "postgres/migration_runner.hpp"

namespace stele {
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
    raise(ErrorCode::schema_missing,
          "schema " + database.quoted_schema() +
              (applied ? " lacks " + describe(*pending.front()) : std::string(" has no tables of Stele's")) +
              "; run `stele migrate`, or open the database with migrate on");
}

std::vector<int> migrate(Database& database, std::optional<Deadline> deadline, const std::vector<Migration>& all) {
    return MigrationRunner(database, migration_deadline(deadline), all).run();
}

}  // namespace v0
}  // namespace stele
