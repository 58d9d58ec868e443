// Statements of the cache with their values, and what comes back.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cache/cache_sql.hpp"
#include "cache/cache_store.hpp"
#include "cache/caps_sql.hpp"
#include "stele/executor.hpp"

namespace stele {

/// `epoch`; nothing for one without a vector, which is at home in all.
std::optional<std::int64_t> made_in(const NewEntry& entry, std::int64_t epoch);
/// What is kept beside the entry, after put_statement(); `epoch`: in which the vector was made.
Statement attach_statement(const CacheSql& sql, const NewEntry& entry, std::int64_t epoch);
/// CacheSql::put; `lock`: lock_key(), unless it is held already; `epoch`: in another one nothing is stored; `own`: null
/// in a transaction, which evicts when it ends.
Statement put_statement(const CacheSql& sql, const NewEntry& entry, std::optional<std::int64_t> lock,
                        std::optional<std::int64_t> epoch, const OwnLimits* own);
/// Some of these as one, with what is kept beside the entries.
Statement put_together(const CacheSql& sql, std::span<const NewEntry> entries, std::vector<Statement> puts);
/// What statements of one question's entry are committed together by.
std::string entry_key(const std::string& name_space, const std::string& hash);
Statement scope_statement(const CacheSql& sql, const Scope& scope);

/// As a parameter.
std::optional<std::int64_t> number(const std::optional<std::size_t>& value);

/// Without what is in memory.
CacheTotals read_totals(const CacheSql& sql, const CapsSql& caps, const std::optional<std::string>& name_space,
                        Executor& executor, Deadline deadline);

}  // namespace stele
