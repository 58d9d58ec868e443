#include "postgres/wanted_schema.hpp"

#include <string>
#include <utility>

#include "base/result.hpp"
#include "postgres/identifier.hpp"

namespace stele {
namespace {

/// It may not stand inside a transaction, and a temporary table needs none of it.
std::string without_concurrently(std::string statement) {
    constexpr std::string_view kWord = " CONCURRENTLY";
    if (const auto at = statement.find(kWord); at != std::string::npos) statement.erase(at, kWord.size());
    return statement;
}

class Trial {
public:
    Trial(Executor& scratch, Deadline deadline) : scratch_(scratch), deadline_(deadline) {}

    WantedSchema run(const std::vector<Migration>& all, const std::vector<MigrationStatus>& statuses) {
        WantedSchema wanted;
        for (std::size_t i = 0; i < all.size(); ++i) {
            apply(all[i]);
            wanted.after = inventory();
            wanted.original.insert(wanted.after.tables.begin(), wanted.after.tables.end());
            if (statuses[i].applied) wanted.before = wanted.after;
        }
        for (const auto& [name, table] : wanted.after.tables) {
            const Statement count(Sql("SELECT count(*) FROM pg_temp." + quote_identifier(name)));
            wanted.rows[name] = scratch_.query(count, deadline_)[0].get<std::int64_t>(0);
        }
        return wanted;
    }

private:
    void apply(const Migration& migration) {
        std::vector<Statement> statements;
        for (std::string& text : value_or_raise(migration_statements(migration, "pg_temp"))) {
            if (!migration.transactional) text = without_concurrently(std::move(text));
            statements.emplace_back(Sql(std::move(text)));
        }
        scratch_.run(statements, deadline_);
    }

    SchemaInventory inventory() {
        const auto schema = scratch_.query_one(
            Statement("SELECT nspname::text FROM pg_namespace WHERE oid = pg_my_temp_schema()"), deadline_);
        if (!schema) return {};
        return read_inventory(scratch_, schema->get<std::string>(0), std::nullopt, deadline_);
    }

    Executor& scratch_;
    Deadline deadline_;
};

}  // namespace

WantedSchema try_migrations(Database& database, Transaction& transaction, const std::vector<Migration>& all,
                            const std::vector<AppliedMigration>& applied, Deadline deadline) {
    value_or_raise(plan_migrations(all, applied));
    const auto statuses = value_or_raise(compare_migrations(all, applied));
    Savepoint scratch = transaction.savepoint();  // rolled back at the end
    try {
        return Trial(scratch, deadline).run(all, statuses);
    } catch (const Error& error) {
        ErrorInfo info = error.info();
        if (info.sqlstate == "42501") {
            info.code = ErrorCode::permission;
            info.message = "the role may not make temporary tables in " + database.describe() +
                           ", on which the migrations are tried out; GRANT TEMPORARY ON DATABASE to it";
        } else {
            info.message = "trying the migrations out on temporary tables: " + info.message;
        }
        raise(std::move(info));
    }
}

}  // namespace stele
