// A write that may be sent twice and happens once.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include "stele/database.hpp"
#include "stele/export.hpp"
#include "stele/json.hpp"
#include "stele/uuid.hpp"

namespace stele {
inline namespace v0 {

struct OnceOptions {
    TransactionOptions transaction{};  ///< not read-only
    int attempts = 5;                  ///< runs of `work` while it fails with Retry::transaction
    std::optional<Deadline> deadline{};
};

struct OnceResult {
    Json outcome{};         ///< what `work` returned; it comes back as PostgreSQL writes a jsonb when `repeated`
    bool repeated = false;  ///< it had been done before: `work` was not run, or what it did was undone
};

/// How old an operation id may be.
inline constexpr std::chrono::hours kOperationLifetime{7 * 24};

namespace detail {
STELE_API OnceResult run_once(Database& database, const Uuid& operation, const std::function<Json(Transaction&)>& work,
                              const OnceOptions& options);
}  // namespace detail

/// Runs `work(transaction)` and commits it together with the operation's id. If that id has been committed before, by
/// whomever, it returns the stored outcome instead. So a caller that got no answer (a lost connection, a deadline, a
/// crash of its own) sends the same operation again and cannot do it twice:
///
///     const Uuid operation = Uuid::v7();  // kept with the order until this has returned
///     once(database, operation, [&](Transaction& t) { t.execute(...); return Json::parse(R"({"number": 7})"); });
///
/// `work` returns Json or nothing. It may be run several times (see Database::transaction), so what it does beside the
/// transaction is not protected. What it throws undoes everything, and the operation counts as not done.
///
/// The guarantee: of all calls with one id on one schema, at most one commits its work. Those that come while it is
/// under way wait for it. It holds for a week, by the time in the id, with clocks that agree within a day: an id that
/// is older than kOperationLifetime is Error(invalid_argument), because what became of it may have been forgotten (the
/// table keeps ids for nine days). Connections that are lost are dealt with inside, until the deadline. Then, if a
/// commit may have happened, the error is Error(in_doubt) with Retry::call: send it again with the same id.
///
/// Costs one round trip more than a transaction, and one more when there is an outcome to store. Throws
/// Error(invalid_argument) for an id that is not of version 7. Thread-safe.
template <class Work>
OnceResult once(Database& database, const Uuid& operation, Work&& work, const OnceOptions& options = {}) {
    return detail::run_once(
        database, operation,
        [&work](Transaction& transaction) -> Json {
            if constexpr (std::is_void_v<decltype(work(transaction))>) {
                work(transaction);
                return Json();
            } else {
                return work(transaction);
            }
        },
        options);
}

}  // namespace v0
}  // namespace stele
