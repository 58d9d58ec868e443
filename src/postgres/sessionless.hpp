// What cannot work where each transaction may run in another session: behind a transaction pooler.
#pragma once

#include <span>

#include "base/result.hpp"
#include "stele/statement.hpp"

namespace stele {

/// Refuses commands that only change or use a session: LISTEN, SET without LOCAL, PREPARE, DISCARD and their like. By
/// their first words alone, so a function that does the same (pg_advisory_lock) passes.
Result<void> check_sessionless(std::span<const Statement> statements);

}  // namespace stele
