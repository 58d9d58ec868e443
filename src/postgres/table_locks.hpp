// Locks on several tables within a time, and who stands in the way of one.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "stele/database.hpp"

namespace stele {

enum class TableLock : unsigned char {
    writers,  ///< SHARE ROW EXCLUSIVE: what CREATE TRIGGER takes
    all       ///< ACCESS EXCLUSIVE
};

/// Error(invalid_argument) for less than a millisecond, which the server would take for no limit.
void check_lock_timeout(std::chrono::milliseconds lock_timeout);

/// In the given order. When one cannot be had within `lock_timeout`, counted over all of them, the transaction is
/// rolled back and Error(deadline_exceeded) says which table, and held by whom, but not what those ran.
void lock_tables(Database& database, Transaction& transaction, const std::vector<std::string>& tables, TableLock lock,
                 std::chrono::milliseconds lock_timeout, Deadline deadline);

/// The error for a lock_timeout (SQLSTATE 55P03) that ended `transaction`, which it rolls back. `what` could not be
/// done.
[[noreturn]] void raise_locked(Database& database, Transaction& transaction, const std::string& what,
                               const std::vector<std::string>& tables, TableLock lock, const Error& error,
                               Deadline deadline);

}  // namespace stele
