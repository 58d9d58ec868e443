#include "postgres/adoption.hpp"

#include <algorithm>
#include <utility>

#include "base/result.hpp"
#include "postgres/identifier.hpp"
#include "postgres/migration_runner.hpp"
#include "postgres/wanted_schema.hpp"

namespace stele {
namespace {

constexpr char kSite[] = R"(
SELECT quote_ident(current_user) AS role,
    coalesce((SELECT has_schema_privilege(oid, 'USAGE') AND has_schema_privilege(oid, 'CREATE')
        FROM pg_namespace WHERE nspname = $1), true) AS may_create,
    ARRAY(SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = $1 AND c.relkind IN ('r', 'p')
            AND EXISTS (SELECT FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
                WHERE a.attrelid = c.oid AND a.attname = 'embedding' AND t.typname = 'vector')
            AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'payload')
        ORDER BY 1) AS vector_tables)";

// Everything, not only what the migrations of today touch: those of tomorrow are undone by the same record. What is
// named stele_... is ours in any case.
constexpr char kNote[] = R"(
 (name, columns, indexes) SELECT c.relname,
    ARRAY(SELECT a.attname::text FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND NOT starts_with(a.attname, 'stele_')
        ORDER BY a.attnum),
    ARRAY(SELECT i.relname::text FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
        WHERE x.indrelid = c.oid AND NOT starts_with(i.relname, 'stele_') ORDER BY 1)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND NOT starts_with(c.relname, 'stele_'))";

/// By a statement that locks the table, whether or not it finds anything to do.
bool is_changed(const SchemaTable& wanted, const SchemaTable& expected) {
    return !wanted.triggers.empty() || wanted.columns.size() != expected.columns.size() ||
           std::any_of(wanted.indexes.begin(), wanted.indexes.end(),
                       [](const SchemaIndex& index) { return !index.is_constraint; });
}

}  // namespace

Adoption::Adoption(Database& database, Transaction& transaction, const std::vector<Migration>& all, Deadline deadline)
    : database_(database), transaction_(transaction), deadline_(deadline), all_(all) {
    const std::vector<AppliedMigration> rows = applied();
    wanted_ = try_migrations(database_, transaction_, all_, rows, deadline_);
    actual_ = read_inventory(transaction_, database_.schema(), names_of_interest(wanted_), deadline_);
    site_ = look_at_site();
    for (const Migration* migration : value_or_raise(plan_migrations(all_, rows))) {
        site_.pending.push_back(migration->number);
    }
}

/// Asks for the table first: a statement that fails would end the transaction.
std::vector<AppliedMigration> Adoption::applied() {
    const Statement look("SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = $1 AND tablename = $2)",
                         database_.schema(), kMigrationsTable);
    if (!transaction_.query(look, deadline_)[0].get<bool>(0)) return {};
    return read_applied(database_, transaction_, deadline_);
}

AdoptionSite Adoption::look_at_site() {
    const Row row = transaction_.query(Statement(kSite, database_.schema()), deadline_)[0];
    AdoptionSite site;
    site.quoted_schema = database_.quoted_schema();
    site.quoted_role = row.get<std::string>("role");
    site.may_create = row.get<bool>("may_create");
    site.vector_tables = row.get<std::vector<std::string>>("vector_tables");
    site.adopted = actual_.table(std::string(kAdoptedTable)) != nullptr;
    return site;
}

std::vector<std::string> Adoption::tables_to_change() const {
    std::vector<std::string> tables;
    for (const auto& [name, table] : wanted_.after.tables) {
        if (actual_.table(name) && is_changed(table, wanted_.expected(name))) tables.push_back(name);
    }
    // writers lock theirs first and then, in our triggers, ours
    std::sort(tables.begin(), tables.end(), [](const std::string& a, const std::string& b) {
        return std::pair(is_own(a), std::string_view(a)) < std::pair(is_own(b), std::string_view(b));
    });
    return tables;
}

void Adoption::note() {
    const std::string table = site_.quoted_schema + "." + std::string(kAdoptedTable);
    const Statement statements[] = {
        Statement(Sql("CREATE TABLE " + table +
                      " (name text PRIMARY KEY, columns text[] NOT NULL, indexes text[] NOT NULL, "
                      "noted_at timestamptz NOT NULL DEFAULT clock_timestamp())")),
        Statement(Sql("COMMENT ON TABLE " + table +
                      " IS 'what the schema held before Stele came: stele adopt --undo leaves it'")),
        Statement(Sql("INSERT INTO " + table + kNote), database_.schema())};
    transaction_.run(statements, deadline_);
}

AdoptionRecord Adoption::record() {
    if (!site_.adopted && actual_.table(std::string(kMigrationsTable)) == nullptr) {
        raise(ErrorCode::not_found, "schema " + site_.quoted_schema + " holds nothing of Stele's");
    }
    if (!site_.adopted) {
        raise(ErrorCode::not_found,
              "schema " + site_.quoted_schema +
                  " was not adopted, so nobody knows what it held before Stele came; run `stele "
                  "adopt` first: then all that is not named stele_... counts as having been there");
    }
    const Statement read(
        Sql("SELECT name, columns, indexes FROM " + site_.quoted_schema + "." + std::string(kAdoptedTable)));
    AdoptionRecord record;
    for (const Row& row : transaction_.query(read, deadline_)) {
        const auto columns = row.get<std::vector<std::string>>("columns");
        const auto indexes = row.get<std::vector<std::string>>("indexes");
        record[row.get<std::string>("name")] = {{columns.begin(), columns.end()}, {indexes.begin(), indexes.end()}};
    }
    return record;
}

}  // namespace stele
