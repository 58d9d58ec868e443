#include "cache/cache_statements.hpp"

#include <nlohmann/json.hpp>

#include "cache/entry_vector.hpp"

namespace stele {

Statement upsert_statement(const CacheSql& sql, const NewEntry& entry) {
    std::optional<std::string> settled_by;
    if (!entry.ttl && entry.by_default) settled_by = entry.scope.tenant();
    return Statement(sql.upsert, entry.scope.stored_namespace(), entry.hash, entry.query, entry.response,
                     encode_entry_vector(entry.unit), entry.metadata, entry.ttl, settled_by, entry.default_ttl);
}

Statement attach_statement(const CacheSql& sql, const NewEntry& entry) {
    std::vector<std::string> kinds, names, versions;
    std::vector<std::int64_t> newest;
    for (const Dependency& each : entry.depends_on) {
        kinds.push_back(each.kind);
        names.push_back(each.name);
        versions.push_back(each.version);
        newest.push_back(each.newest ? 1 : 0);
    }
    const std::vector<std::string> tags(entry.tags.begin(), entry.tags.end());
    return Statement(sql.attach, entry.scope.stored_namespace(), entry.hash, tags, kinds, names, versions, newest);
}

Statement scope_statement(const CacheSql& sql, const Scope& scope) {
    return Statement(sql.put_scope, scope.stored_namespace(), scope.tenant(),
                     Json::trusted(nlohmann::json(scope.attributes()).dump()));
}

CacheTotals read_totals(const CacheSql& sql, const CapsSql& caps, const std::optional<std::string>& name_space,
                        Executor& executor, Deadline deadline) {
    const Statement batch[] = {Statement(sql.counters, name_space).repeatable(),
                               Statement(caps.totals, name_space).repeatable()};
    const std::vector<Rows> rows = executor.run(batch, deadline);
    CacheTotals totals;
    totals.counters = Counters::read(rows[0]);
    totals.entries = rows[1][0].get<std::int64_t>("entries");
    totals.expired = rows[1][0].get<std::int64_t>("expired");
    totals.bytes = rows[1][0].get<std::int64_t>("bytes");
    return totals;
}

}  // namespace stele
