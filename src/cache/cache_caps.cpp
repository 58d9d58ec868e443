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

std::shared_ptr<const CachePolicies> read_policies(const CapsSql& sql, Executor& executor, Deadline deadline) {
    auto policies = std::make_shared<CachePolicies>();
    for (const Row& row : executor.query(Statement(sql.policies).repeatable(), deadline)) {
        CachePolicy policy;
        policy.similarity_threshold = row.find<float>("similarity_threshold");
        policy.min_confidence = row.find<float>("min_confidence");
        if (const auto ttl = row.find<std::int64_t>("default_ttl")) policy.default_ttl = std::chrono::seconds(*ttl);
        policies->emplace(row.get<std::string>("tenant"), policy);
    }
    return policies;
}

Statement policy_statement(const CapsSql& sql, const std::string& tenant, const CachePolicy& policy) {
    std::optional<std::int64_t> ttl;
    if (policy.default_ttl) ttl = policy.default_ttl->count();
    return Statement(sql.put_policy, tenant, policy.similarity_threshold, ttl, policy.min_confidence);
}

CacheRemoved remove_tagged(const CapsSql& sql, const Statement& hold_version, const std::string& tag,
                           const Scope& scope, bool whole_tenant, Executor& executor, Deadline deadline,
                           const std::function<void(std::string name_space, std::string hash)>& removed) {
    std::optional<std::string> tenant;
    if (whole_tenant) tenant = scope.tenant();
    const Statement batch[] = {hold_version, Statement(sql.remove_tagged, tag, scope.stored_namespace(), tenant)};
    CacheRemoved counts;
    const std::vector<Rows> answers = executor.run(batch, deadline);
    for (const Row& row : answers[1]) {
        auto name_space = row.get<std::string>("namespace");
        ++counts[name_space];
        removed(std::move(name_space), row.get<std::string>("query_hash"));
    }
    return counts;
}

// What is outdated is asked for once; a batch removes of that what still is.
CacheRemoved remove_outdated(const CapsSql& sql, const Statement& hold_version,
                             const std::optional<std::string>& name_space, Executor& executor, Deadline deadline) {
    std::vector<std::string> kinds, names, versions;
    for (const Row& row : executor.query(Statement(sql.outdated).repeatable(), deadline)) {
        kinds.push_back(row.get<std::string>("kind"));
        names.push_back(row.get<std::string>("name"));
        versions.push_back(row.get<std::string>("version"));
    }
    CacheRemoved counts;
    if (kinds.empty()) return counts;
    const Statement batch[] = {hold_version, Statement(sql.sweep, name_space, kinds, names, versions, kVacuumBatch)};
    for (std::int64_t removed = 1; removed > 0;) {
        removed = 0;
        const std::vector<Rows> answers = executor.run(batch, deadline);
        for (const Row& row : answers[1]) {
            const auto some = row.get<std::int64_t>("removed");
            counts[row.get<std::string>("namespace")] += some;
            removed += some;
        }
    }
    return counts;
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
    std::optional<std::string> text, tag;
    if (!filter.text.empty()) text = filter.text;
    if (!filter.tag.empty()) tag = filter.tag;
    const auto limit = static_cast<std::int64_t>(std::min(filter.limit, static_cast<std::size_t>(kMost)));
    const Rows rows = executor.query(Statement(coldest ? sql.coldest : sql.newest, name_space, from, id, limit, text,
                                               filter.metadata, std::int64_t{filter.min_age.count()}, tag)
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
        const auto made_from = row.find<std::vector<std::string>>("made_from");
        entry.outdated = made_from && made_from->empty();
        entry.tags = row.get<std::vector<std::string>>("tags", {});
        const auto parts = row.get<std::vector<std::string>>("depends_on", {});
        for (std::size_t i = 0; i + 2 < parts.size(); i += 3) {
            entry.depends_on.emplace_back(parts[i], parts[i + 1], parts[i + 2]);
        }
        entries.push_back(std::move(entry));
    }
    return entries;
}

}  // namespace stele
