// Statements of the cache with their values, and what comes back.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cache/cache_sql.hpp"
#include "cache/cache_store.hpp"
#include "stele/executor.hpp"

namespace stele {

Statement upsert_statement(const CacheSql& sql, const NewEntry& entry);
Statement scope_statement(const CacheSql& sql, const Scope& scope);

std::vector<CacheEntry> read_entries(const CacheSql& sql, const std::string& name_space, std::size_t limit,
                                     std::int64_t before, Executor& executor, Deadline deadline);
/// Without what is in memory.
CacheTotals read_totals(const CacheSql& sql, const std::optional<std::string>& name_space, Executor& executor,
                        Deadline deadline);

}  // namespace stele
