#include "cache/cache_statements.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cache/entry_vector.hpp"
#include "cache/once/claims.hpp"
#include "postgres/merged_statement.hpp"

namespace stele {

namespace {

std::optional<std::string> settled_by(const NewEntry& entry) {
    return entry.ttl || !entry.by_default ? std::nullopt : std::optional(entry.scope.tenant());
}

}  // namespace

std::optional<std::int64_t> made_in(const NewEntry& entry, std::int64_t epoch) {
    return entry.unit.empty() ? std::nullopt : std::optional(epoch);
}

Statement attach_statement(const CacheSql& sql, const NewEntry& entry, std::int64_t epoch) {
    std::vector<std::string> kinds, names, versions;
    std::vector<std::int64_t> newest;
    for (const Dependency& each : entry.depends_on) {
        kinds.push_back(each.kind);
        names.push_back(each.name);
        versions.push_back(each.version);
        newest.push_back(each.newest ? 1 : 0);
    }
    const std::vector<std::string> tags(entry.tags.begin(), entry.tags.end());
    return Statement(sql.attach, entry.scope.stored_namespace(), entry.hash, tags, kinds, names, versions, newest,
                     made_in(entry, epoch));
}

Statement put_statement(const CacheSql& sql, const NewEntry& entry, std::optional<std::int64_t> lock,
                        std::optional<std::int64_t> epoch, const OwnLimits* own) {
    std::optional<std::int64_t> entries, bytes, at_once;
    if (own != nullptr) {
        entries = number(own->limits.entries);
        bytes = number(own->limits.bytes);
        at_once = own->at_once;
    }
    std::optional<Uuid> token;
    if (entry.claim != nullptr) token = entry.claim->token;
    return Statement(sql.put, lock, entry.scope.stored_namespace(), entry.hash, entry.query, entry.response,
                     encode_entry_vector(entry.unit), entry.metadata, entry.ttl, settled_by(entry), entry.default_ttl,
                     token, epoch, entries, bytes, at_once);
}

Statement put_together(const CacheSql& sql, std::span<const NewEntry> entries, std::vector<Statement> puts) {
    std::vector<std::int64_t> tagged, used, newest;
    std::vector<std::string> tags, kinds, names, versions;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const auto place = static_cast<std::int64_t>(i) + 1;
        for (const std::string& tag : entries[i].tags) {
            tagged.push_back(place);
            tags.push_back(tag);
        }
        for (const Dependency& each : entries[i].depends_on) {
            used.push_back(place);
            kinds.push_back(each.kind);
            names.push_back(each.name);
            versions.push_back(each.version);
            newest.push_back(each.newest ? 1 : 0);
        }
    }
    const bool attaches = !tags.empty() || !kinds.empty();
    std::vector<const Statement*> all;
    for (Statement& put : puts) all.push_back(&put.merged_as(attaches ? sql.put_attached : sql.put_many));
    Statement together = MergedStatement::of(*all.front())->merge(all);  // its parameters all have array types
    if (attaches) {
        Parameters& more = together.parameters();
        more.add(tagged);
        more.add(tags);
        more.add(used);
        more.add(kinds);
        more.add(names);
        more.add(versions);
        more.add(newest);
    }
    return together;
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
