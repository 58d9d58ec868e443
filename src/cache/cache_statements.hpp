// Statements of the cache with their values, and what comes back.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cache/cache_sql.hpp"
#include "cache/cache_store.hpp"
#include "cache/caps_sql.hpp"
#include "stele/executor.hpp"

namespace stele {

Statement upsert_statement(const CacheSql& sql, const NewEntry& entry);
/// What is kept beside the entry, once it is put.
Statement attach_statement(const CacheSql& sql, const NewEntry& entry);
Statement scope_statement(const CacheSql& sql, const Scope& scope);

/// Without what is in memory.
CacheTotals read_totals(const CacheSql& sql, const CapsSql& caps, const std::optional<std::string>& name_space,
                        Executor& executor, Deadline deadline);

}  // namespace stele
