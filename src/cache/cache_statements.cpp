#include "cache/cache_statements.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cache/entry_vector.hpp"

namespace stele {

Statement upsert_statement(const CacheSql& sql, const NewEntry& entry) {
    return Statement(sql.upsert, entry.scope.stored_namespace(), entry.hash, entry.query, entry.response,
                     encode_entry_vector(entry.unit), entry.metadata, entry.ttl);
}

Statement scope_statement(const CacheSql& sql, const Scope& scope) {
    return Statement(sql.put_scope, scope.stored_namespace(), scope.tenant(),
                     Json::trusted(nlohmann::json(scope.attributes()).dump()));
}

std::vector<CacheEntry> read_entries(const CacheSql& sql, const std::string& name_space, std::size_t limit,
                                     std::int64_t before, Executor& executor, Deadline deadline) {
    const Rows rows = executor.query(
        Statement(sql.list, name_space, before, static_cast<std::int64_t>(limit)).repeatable(), deadline);
    std::vector<CacheEntry> entries;
    for (const Row& row : rows) {
        CacheEntry entry;
        entry.id = row.get<std::int64_t>("id");
        entry.stored_namespace = row.get<std::string>("namespace");
        entry.query = row.get<std::string>("query");
        entry.response = row.get<std::string>("response");
        entry.metadata = row.get<Json>("metadata");
        entry.age = std::chrono::seconds(std::max<std::int64_t>(row.get<std::int64_t>("age"), 0));
        if (const auto ttl = row.find<std::int64_t>("ttl")) entry.ttl = std::chrono::seconds(*ttl);
        entries.push_back(std::move(entry));
    }
    return entries;
}

CacheTotals read_totals(const CacheSql& sql, const std::optional<std::string>& name_space, Executor& executor,
                        Deadline deadline) {
    const Statement batch[] = {Statement(sql.counters, name_space).repeatable(),
                               Statement(sql.count_entries, name_space).repeatable()};
    const std::vector<Rows> rows = executor.run(batch, deadline);
    CacheTotals totals;
    totals.counters = Counters::read(rows[0]);
    totals.entries = rows[1][0].get<std::int64_t>("entries");
    totals.expired = rows[1][0].get<std::int64_t>("expired");
    return totals;
}

}  // namespace stele
