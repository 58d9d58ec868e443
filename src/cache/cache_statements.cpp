#include "cache/cache_statements.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cache/entry_vector.hpp"
#include "cache/once/claims.hpp"

namespace stele {

namespace {

std::optional<std::int64_t> made_in(const NewEntry& entry, std::int64_t epoch) {
    return entry.unit.empty() ? std::nullopt : std::optional(epoch);
}

}  // namespace

Statement upsert_statement(const CacheSql& sql, const NewEntry& entry, std::int64_t epoch) {
    return Statement(sql.upsert, entry.scope.stored_namespace(), entry.hash, entry.query, entry.response,
                     encode_entry_vector(entry.unit), entry.metadata, entry.ttl, made_in(entry, epoch));
}

Statement put_statement(const CacheSql& sql, const NewEntry& entry, std::int64_t lock, std::int64_t epoch,
                        const OwnLimits& own) {
    std::optional<Uuid> token;
    if (entry.claim != nullptr) token = entry.claim->token;
    return Statement(sql.put, lock, entry.scope.stored_namespace(), entry.hash, entry.query, entry.response,
                     encode_entry_vector(entry.unit), entry.metadata, entry.ttl, token, made_in(entry, epoch),
                     number(own.limits.entries), number(own.limits.bytes), own.at_once);
}

std::string entry_key(const std::string& name_space, const std::string& hash) {
    return fmt::format("entries/{}/{}", name_space, hash);
}

Statement scope_statement(const CacheSql& sql, const Scope& scope) {
    return Statement(sql.put_scope, scope.stored_namespace(), scope.tenant(),
                     Json::trusted(nlohmann::json(scope.attributes()).dump()));
}

std::optional<std::int64_t> number(const std::optional<std::size_t>& value) {
    if (!value) return std::nullopt;
    return static_cast<std::int64_t>(*value);
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
