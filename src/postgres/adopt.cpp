#include "stele/adopt.hpp"

#include <algorithm>
#include <utility>

#include "base/result.hpp"
#include "postgres/adoptable.hpp"
#include "postgres/adoption.hpp"
#include "postgres/migration_runner.hpp"
#include "postgres/table_locks.hpp"

namespace stele {
namespace {

[[noreturn]] void raise_nothing_found(Database& database, Transaction& transaction, Deadline deadline) {
    std::string message = "schema " + database.quoted_schema() +
                          " has no table of draive, haiway or mneme to adopt; `stele migrate` makes new ones";
    std::string schemas;
    for (const std::string& schema : adoptable_schemas(database, transaction, deadline)) {
        if (schema != database.schema()) schemas += (schemas.empty() ? "" : ", ") + schema;
    }
    if (!schemas.empty()) message += ". There are such tables in schema " + schemas + ": name it (--schema)";
    raise(ErrorCode::not_found, std::move(message));
}

/// Neither a table of the systems nor one that was perhaps meant for it.
bool is_pointless(const AdoptionPlan& plan) {
    return std::none_of(plan.found.begin(), plan.found.end(), [](const FoundTable& table) { return table.used; }) &&
           std::all_of(plan.obstacles.begin(), plan.obstacles.end(),
                       [](const Obstacle& each) { return each.is_right; });
}

class Adopter {
public:
    Adopter(Database& database, const AdoptOptions& options, Deadline deadline, const std::vector<Migration>& all)
        : database_(database),
          options_(options),
          deadline_(deadline),
          all_(all),
          runner_(database, deadline, all, options.lock_timeout) {}

    AdoptionPlan run() {
        AdoptionPlan plan = MigrationRunner::patiently([this] { return attempt(); });
        const bool is_split =
            std::any_of(all_.begin(), all_.end(), [](const Migration& m) { return !m.transactional; });
        if (is_split) runner_.run();  // what must run outside a transaction, and what follows it
        return plan;
    }

private:
    AdoptionPlan attempt() {
        Transaction transaction = runner_.begin_locked();
        Adoption adoption(database_, transaction, all_, deadline_);
        AdoptionPlan plan = adoption.plan();
        if (plan.adopted && plan.migrations.empty()) return plan;
        if (is_pointless(plan)) raise_nothing_found(database_, transaction, deadline_);
        value_or_raise(check_obstacles(plan, adoption.site()));

        if (!plan.adopted) adoption.note();
        const std::vector<std::string> tables = adoption.tables_to_change();
        if (!plan.migrations.empty()) {
            lock_tables(database_, transaction, tables, TableLock::writers, options_.lock_timeout, deadline_);
        }
        migrate_in(transaction, tables);
        transaction.commit(deadline_);
        return plan;
    }

    void migrate_in(Transaction& transaction, const std::vector<std::string>& tables) {
        try {
            runner_.run_in(transaction);
        } catch (const Error& error) {
            if (error.sqlstate() != "55P03") throw;
            const std::string what = "a table of schema " + database_.quoted_schema() + " could not be locked within " +
                                     std::to_string(options_.lock_timeout.count()) + " ms";
            raise_locked(database_, transaction, what, tables, TableLock::all, error, deadline_);
        }
    }

    Database& database_;
    const AdoptOptions& options_;
    Deadline deadline_;
    const std::vector<Migration>& all_;
    MigrationRunner runner_;
};

}  // namespace

inline namespace v0 {

AdoptionPlan plan_adoption(Database& database, std::optional<Deadline> deadline, const std::vector<Migration>& all) {
    const Deadline until = migration_deadline(deadline);
    Transaction transaction = database.begin({}, until);
    return Adoption(database, transaction, all, until).plan();
}

AdoptionPlan adopt(Database& database, const AdoptOptions& options, std::optional<Deadline> deadline,
                   const std::vector<Migration>& all) {
    check_lock_timeout(options.lock_timeout);
    return Adopter(database, options, migration_deadline(deadline), all).run();
}

}  // namespace v0
}  // namespace stele
