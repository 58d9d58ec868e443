#include "cache/cache_caps.hpp"

#include <algorithm>
#include <limits>

#include "cache/cache_statements.hpp"

namespace stele {
namespace {

std::optional<std::size_t> limit(const Row& row, std::string_view column) {
    const auto value = row.find<std::int64_t>(column);
    if (!value) return std::nullopt;
    return static_cast<std::size_t>(std::max<std::int64_t>(*value, 0));  // a Python process may store any
}

}  // namespace

Statement evict_after_puts(const CapsSql& sql, const std::vector<std::int64_t>& ids, const OwnLimits& own) {
    return Statement(sql.evict_after_puts, ids, number(own.limits.entries), number(own.limits.bytes), own.at_once);
}

std::vector<CacheGone> read_gone(const Rows& rows) {
    std::vector<CacheGone> gone;
    for (const Row& row : rows) {
        auto name_space = row.find<std::string>("gone_from");
        if (!name_space) continue;
        gone.push_back({std::move(*name_space), row.get<std::int64_t>("evicted"), row.get<std::int64_t>("expired")});
    }
    return gone;
}

std::vector<Statement> limit_statements(const CapsSql& sql, const std::optional<std::string>& tenant,
                                        const CacheQuota& quota) {
    if (!tenant) return {Statement(sql.put_limits, number(quota.entries), number(quota.bytes))};
    return {Statement(sql.put_entries_quota, *tenant, number(quota.entries)),
            Statement(sql.put_bytes_quota, *tenant, number(quota.bytes))};
}

Statement evict_statement(const CapsSql& sql, const std::optional<std::string>& tenant) {
    constexpr std::optional<std::int64_t> kNone;
    constexpr std::int64_t kNoMore = 0;
    if (!tenant) return Statement(sql.evict_all, kNone, kNone, kNoMore);
    return Statement(sql.evict_tenant, *tenant, kNone, kNone, kNoMore);
}

std::map<std::string, CacheQuota> read_quotas(const CapsSql& sql, const std::optional<std::string>& tenant,
                                              Executor& executor, Deadline deadline) {
    std::map<std::string, CacheQuota> quotas;
    const Rows rows = executor.query(Statement(sql.quotas, tenant).repeatable(), deadline);
    for (const Row& row : rows) {
        quotas[row.get<std::string>("tenant")] = {limit(row, "max_entries"), limit(row, "max_bytes")};
    }
    return quotas;
}

CacheQuota read_limits(const CapsSql& sql, Executor& executor, Deadline deadline) {
    const Rows rows = executor.query(Statement(sql.limits).repeatable(), deadline);
    if (rows.empty()) return {};
    return {limit(rows[0], "max_entries"), limit(rows[0], "max_bytes")};
}

Statement vacuum_statement(const CapsSql& sql, const std::optional<std::string>& name_space,
                           std::chrono::seconds spared) {
    return Statement(sql.vacuum, name_space, kVacuumBatch, static_cast<double>(spared.count()));
}

std::int64_t read_expired(const Rows& rows, std::vector<CacheGone>& all) {
    std::int64_t sum = 0;
    for (const Row& row : rows) {
        const auto name = row.get<std::string>("namespace");
        const auto expired = row.get<std::int64_t>("expired");
        sum += expired;
        const auto known =
            std::find_if(all.begin(), all.end(), [&](const CacheGone& g) { return g.name_space == name; });
        if (known == all.end()) {
            all.push_back({name, 0, expired});
        } else {
            known->expired += expired;
        }
    }
    return sum;
}

std::vector<CacheNamespace> read_namespaces(const CapsSql& sql, Executor& executor, Deadline deadline) {
    std::vector<CacheNamespace> namespaces;
    const Rows rows = executor.query(Statement(sql.namespaces).repeatable(), deadline);
    for (const Row& row : rows) {
        namespaces.push_back({row.get<std::string>("namespace"), row.get<std::string>("tenant"),
                              row.get<Json>("attributes"), row.get<std::int64_t>("entries"),
                              row.get<std::int64_t>("bytes")});
    }
    return namespaces;
}

StoreHealth read_health(const CapsSql& sql, Executor& executor, Deadline deadline) {
    const Rows rows = executor.query(Statement(sql.health).repeatable(), deadline);
    const Row row = rows[0];
    StoreHealth health;
    health.schema_version = row.get<std::string>("schema_version", "");
    health.fingerprint = row.find<std::string>("fingerprint");
    health.entries = row.get<std::int64_t>("entries");
    health.bytes = row.get<std::int64_t>("bytes");
    health.namespaces = static_cast<std::size_t>(row.get<std::int64_t>("namespaces"));
    health.sound = row.get<bool>("sound");
    if (const auto age = row.find<std::int64_t>("oldest_age")) {
        health.oldest_age = std::chrono::seconds(std::max<std::int64_t>(*age, 0));
    }
    return health;
}

std::vector<CacheEntry> read_entries(const CapsSql& sql, const std::optional<std::string>& name_space,
                                     const CacheEntryFilter& filter, Executor& executor, Deadline deadline) {
    constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
    const bool coldest = filter.order == EntryOrder::coldest_first;
    const std::int64_t from = filter.after ? filter.after->last_access.time_since_epoch().count() : -kMost;
    const std::int64_t id = filter.after ? filter.after->id : coldest ? -kMost : kMost;
    std::optional<std::string> text;
    if (!filter.text.empty()) text = filter.text;
    const auto limit = static_cast<std::int64_t>(std::min(filter.limit, static_cast<std::size_t>(kMost)));
    const Rows rows = executor.query(Statement(coldest ? sql.coldest : sql.newest, name_space, from, id, limit, text,
                                               filter.metadata, std::int64_t{filter.min_age.count()})
                                         .repeatable(),
                                     deadline);
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
        entry.last_access = std::chrono::sys_seconds(std::chrono::seconds(row.get<std::int64_t>("last_accessed_at")));
        entry.idle = std::chrono::seconds(std::max<std::int64_t>(row.get<std::int64_t>("idle"), 0));
        entry.access_count = row.get<std::int64_t>("access_count");
        entries.push_back(std::move(entry));
    }
    return entries;
}

}  // namespace stele
