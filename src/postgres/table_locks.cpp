#include "postgres/table_locks.hpp"

#include <cstdint>
#include <utility>

#include "base/result.hpp"
#include "postgres/identifier.hpp"
#include "postgres/server_timeout.hpp"

namespace stele {
namespace {

// Of everybody who holds or awaits a lock that conflicts with ours, those who hold it first. A prepared transaction has
// no process. Not what they ran: a statement can contain a password.
constexpr char kHolders[] = R"(
SELECT coalesce(l.pid, 0) AS pid, max(a.usename::text) AS role, max(a.state) AS state, bool_or(l.granted) AS granted,
    max(extract(epoch FROM clock_timestamp() - a.xact_start))::bigint AS seconds,
    max(a.wait_event_type || ' ' || a.wait_event) FILTER (WHERE a.wait_event_type <> 'Client') AS waits
FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'relation' AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND n.nspname = $1 AND c.relname = ANY($2) AND l.mode <> ALL($3) AND l.pid IS DISTINCT FROM pg_backend_pid()
GROUP BY l.pid ORDER BY bool_or(l.granted) DESC, min(a.xact_start) LIMIT 5)";

std::vector<std::string> harmless_modes(TableLock lock) {
    if (lock == TableLock::all) return {};
    return {"AccessShareLock", "RowShareLock"};
}

std::string describe_holder(const Row& row) {
    const auto pid = row.get<std::int32_t>("pid");
    if (pid == 0) return "a prepared transaction (see pg_prepared_xacts)";
    std::string text = "process " + std::to_string(pid);
    if (!row.get<bool>("granted")) text += ", which waits for it itself";
    std::string details;
    const auto add = [&details](const std::string& detail) { details += (details.empty() ? "" : ", ") + detail; };
    if (const auto role = row.find<std::string>("role")) add("role " + *role);
    if (const auto state = row.find<std::string>("state")) add(*state);
    if (const auto seconds = row.find<std::int64_t>("seconds")) {
        add("in a transaction for " + std::to_string(*seconds) + " s");
    }
    if (const auto waits = row.find<std::string>("waits")) add("waiting for " + *waits);
    return details.empty() ? text : text + " (" + details + ")";
}

}  // namespace

void check_lock_timeout(std::chrono::milliseconds lock_timeout) {
    if (lock_timeout.count() > 0) return;
    raise(ErrorCode::invalid_argument,
          "lock_timeout is " + std::to_string(lock_timeout.count()) + " ms; it must be at least 1 ms");
}

void raise_locked(Database& database, Transaction& transaction, const std::string& what,
                  const std::vector<std::string>& tables, TableLock lock, const Error& error, Deadline deadline) {
    transaction.rollback(deadline);  // also gives its connection back, which may be the only one
    const Statement look(kHolders, database.schema(), tables, harmless_modes(lock));
    std::string holders;
    for (const Row& row : database.query(look, deadline)) {
        holders += (holders.empty() ? "" : " and ") + describe_holder(row);
    }
    ErrorInfo info = error.info();
    info.message = what + "; it is held by " + (holders.empty() ? "someone who has ended meanwhile" : holders) +
                   ". Nothing was changed; try again later, or with a longer lock_timeout";
    info.poisons_transaction = false;
    raise(std::move(info));
}

void lock_tables(Database& database, Transaction& transaction, const std::vector<std::string>& tables, TableLock lock,
                 std::chrono::milliseconds lock_timeout, Deadline deadline) {
    if (tables.empty()) return;
    const Sql set("SELECT set_config('lock_timeout', $1, true)");
    const Deadline patience = Deadline::after(lock_timeout);
    for (const std::string& table : tables) {
        const std::string name = database.quoted_schema() + "." + quote_identifier(table);
        const Statement statements[] = {
            Statement(set, server_timeout(std::min(patience, deadline))),
            Statement(Sql("LOCK TABLE " + name + " IN " +
                          (lock == TableLock::all ? "ACCESS EXCLUSIVE" : "SHARE ROW EXCLUSIVE") + " MODE"))};
        try {
            transaction.run(statements, deadline);
        } catch (const Error& error) {
            if (error.sqlstate() != "55P03") throw;
            raise_locked(
                database, transaction,
                "table " + name + " could not be locked within " + std::to_string(lock_timeout.count()) + " ms",
                {table}, lock, error, deadline);
        }
    }
    transaction.execute(Statement(set, server_timeout(deadline, lock_timeout)), deadline);
}

}  // namespace stele
