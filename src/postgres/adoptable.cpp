#include "postgres/adoptable.hpp"

namespace stele {
namespace {

// With what tells a table of one of the systems from another of the same name.
constexpr char kSchemas[] = R"(
SELECT n.nspname::text AS schema
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relkind IN ('r', 'p') AND NOT a.attisdropped AND NOT starts_with(n.nspname, 'pg_')
    AND (c.relname, a.attname) IN (('configurations', 'identifier'), ('templates', 'identifier'),
        ('entries', 'query_hash'))
GROUP BY n.nspname ORDER BY n.nspname <> $1, n.nspname LIMIT 10)";

}  // namespace

std::vector<std::string> adoptable_schemas(const Database& database, Executor& executor, Deadline deadline) {
    std::vector<std::string> schemas;
    for (const Row& row : executor.query(Statement(kSchemas, database.schema()), deadline)) {
        schemas.push_back(row.get<std::string>("schema"));
    }
    return schemas;
}

}  // namespace stele
