// What keeps the cache within its limits, looks it over and cleans it, on tables: outside and inside of transactions.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cache/cache_store.hpp"
#include "cache/caps_sql.hpp"
#include "stele/executor.hpp"

namespace stele {

Statement evict_after_puts(const CapsSql& sql, const std::vector<std::int64_t>& ids, const OwnLimits& own);
/// From the answer to a statement that evicts; rows that tell of nothing that went are passed over.
std::vector<CacheGone> read_gone(const Rows& rows);

/// The statements that store it, without those that remove what is too much then. No tenant: of all together.
std::vector<Statement> limit_statements(const CapsSql& sql, const std::optional<std::string>& tenant,
                                        const CacheQuota& quota);
Statement evict_statement(const CapsSql& sql, const std::optional<std::string>& tenant);
std::map<std::string, CacheQuota> read_quotas(const CapsSql& sql, const std::optional<std::string>& tenant,
                                              Executor& executor, Deadline deadline);
CacheQuota read_limits(const CapsSql& sql, Executor& executor, Deadline deadline);

/// Of one batch.
Statement vacuum_statement(const CapsSql& sql, const std::optional<std::string>& name_space,
                           std::chrono::seconds spared);
std::shared_ptr<const CachePolicies> read_policies(const CapsSql& sql, Executor& executor, Deadline deadline);
Statement policy_statement(const CapsSql& sql, const std::string& tenant, const CachePolicy& policy);

/// The version counter's row is held meanwhile. `removed` is told of each entry.
CacheRemoved remove_tagged(const CapsSql& sql, const Statement& hold_version, const std::string& tag,
                           const Scope& scope, bool whole_tenant, Executor& executor, Deadline deadline,
                           const std::function<void(std::string name_space, std::string hash)>& removed);
/// In batches.
CacheRemoved remove_outdated(const CapsSql& sql, const Statement& hold_version,
                             const std::optional<std::string>& name_space, Executor& executor, Deadline deadline);

/// Adds to `all`; says how many.
std::int64_t read_expired(const Rows& rows, std::vector<CacheGone>& all);
std::vector<CacheNamespace> read_namespaces(const CapsSql& sql, Executor& executor, Deadline deadline);
/// Without what the tables do not know; throws when they cannot be asked.
StoreHealth read_health(const CapsSql& sql, Executor& executor, Deadline deadline);
std::vector<CacheEntry> read_entries(const CapsSql& sql, const std::optional<std::string>& name_space,
                                     const CacheEntryFilter& filter, Executor& executor, Deadline deadline);

/// How many expired entries go in one transaction: the version counter's row is held meanwhile.
inline constexpr std::int64_t kVacuumBatch = 500;

}  // namespace stele
