#include "postgres/schema_inventory.hpp"

#include <algorithm>
#include <utility>

namespace stele {
namespace {

constexpr char kRelations[] = R"(
SELECT c.relname::text AS name, pg_get_userbyid(c.relowner)::text AS owner, pg_has_role(c.relowner, 'USAGE') AS owned,
    CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
        WHEN 'f' THEN 'foreign table' WHEN 'S' THEN 'sequence' WHEN 'c' THEN 'type' ELSE 'index' END AS kind,
    ARRAY(SELECT r.name FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRIGGER']) WITH ORDINALITY
            AS r (name, place)
        WHERE c.relkind IN ('r', 'p') AND NOT has_table_privilege(c.oid, r.name) ORDER BY r.place) AS lacking
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND ($2::text[] IS NULL OR c.relname = ANY($2)))";

// pg_get_expr() waits for a locked table, and so would pg_get_indexdef() further down.
constexpr char kColumns[] = R"(
SELECT c.relname::text AS table, a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS type,
    a.attnotnull AS not_null, a.atthasdef OR a.attidentity <> '' AS has_default,
    CASE WHEN $2::text[] IS NULL AND d.oid IS NOT NULL THEN pg_get_expr(d.adbin, d.adrelid) ELSE '' END AS default_value
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE n.nspname = $1 AND ($2::text[] IS NULL OR c.relname = ANY($2)) AND c.relkind IN ('r', 'p')
    AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY c.relname, a.attnum)";

constexpr char kIndexes[] = R"(
SELECT c.relname::text AS table, i.relname::text AS name, x.indisprimary AS primary,
    x.indisunique AND x.indisvalid AND x.indpred IS NULL AS key,
    EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = x.indexrelid AND k.contype IN ('p', 'u', 'x')) AS constraint,
    ARRAY(SELECT coalesce(a.attname::text, '') FROM unnest(x.indkey::int2[]) WITH ORDINALITY AS k (number, place)
        LEFT JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.number
        WHERE k.place <= x.indnkeyatts ORDER BY k.place) AS columns
FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND ($2::text[] IS NULL OR c.relname = ANY($2)) AND c.relkind IN ('r', 'p')
ORDER BY c.relname, i.relname)";

constexpr char kTriggers[] = R"(
SELECT c.relname::text AS table, t.tgname::text AS name
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND ($2::text[] IS NULL OR c.relname = ANY($2)) AND c.relkind IN ('r', 'p') AND NOT t.tgisinternal
ORDER BY c.relname, t.tgname)";

constexpr char kFunctions[] = R"(
SELECT p.proname::text AS name, pg_get_function_identity_arguments(p.oid) AS arguments,
    pg_get_userbyid(p.proowner)::text AS owner, pg_has_role(p.proowner, 'USAGE') AS owned
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = $1 AND p.prokind = 'f')";

template <class Things>
auto find_named(const Things& things, const std::string& name) -> decltype(things.data()) {
    const auto found =
        std::find_if(things.begin(), things.end(), [&name](const auto& each) { return each.name == name; });
    return found == things.end() ? nullptr : &*found;
}

}  // namespace

const SchemaColumn* SchemaTable::column(const std::string& name) const {
    return find_named(columns, name);
}

const SchemaIndex* SchemaTable::index(const std::string& name) const {
    return find_named(indexes, name);
}

bool SchemaTable::has_trigger(const std::string& name) const {
    return std::find(triggers.begin(), triggers.end(), name) != triggers.end();
}

const SchemaTable* SchemaInventory::table(const std::string& name) const {
    const auto found = tables.find(name);
    return found == tables.end() ? nullptr : &found->second;
}

SchemaInventory read_inventory(Executor& executor, const std::string& schema,
                               const std::optional<std::vector<std::string>>& names, Deadline deadline) {
    const Statement statements[] = {Statement(kRelations, schema, names), Statement(kColumns, schema, names),
                                    Statement(kIndexes, schema, names), Statement(kTriggers, schema, names),
                                    Statement(kFunctions, schema)};
    const std::vector<Rows> answers = executor.run(statements, deadline);
    SchemaInventory inventory;
    for (const Row& row : answers[0]) {
        const auto name = row.get<std::string>("name");
        const auto kind = row.get<std::string>("kind");
        if (kind == "table") inventory.tables[name];
        inventory.relations[name] = {kind, row.get<std::string>("owner"), row.get<bool>("owned"),
                                     row.get<std::vector<std::string>>("lacking")};
    }
    for (const Row& row : answers[1]) {
        inventory.tables[row.get<std::string>("table")].columns.push_back(
            {row.get<std::string>("name"), row.get<std::string>("type"), row.get<bool>("not_null"),
             row.get<bool>("has_default"), row.get<std::string>("default_value")});
    }
    for (const Row& row : answers[2]) {
        inventory.tables[row.get<std::string>("table")].indexes.push_back(
            {row.get<std::string>("name"), row.get<std::vector<std::string>>("columns"), row.get<bool>("key"),
             row.get<bool>("primary"), row.get<bool>("constraint")});
    }
    for (const Row& row : answers[3]) {
        inventory.tables[row.get<std::string>("table")].triggers.push_back(row.get<std::string>("name"));
    }
    for (const Row& row : answers[4]) {
        SchemaFunction function{row.get<std::string>("name"), row.get<std::string>("arguments"),
                                row.get<std::string>("owner"), row.get<bool>("owned")};
        std::string signature = function.signature();
        inventory.functions.emplace(std::move(signature), std::move(function));
    }
    return inventory;
}

}  // namespace stele
