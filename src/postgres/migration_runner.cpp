#include "postgres/migration_runner.hpp"

#include <algorithm>
#include <cstdint>
#include <thread>
#include <utility>

#include "base/result.hpp"
#include "postgres/database_impl.hpp"
#include "postgres/identifier.hpp"
#include "postgres/server_timeout.hpp"

namespace stele {
namespace {

// haiway's own number: its migrations and ours exclude each other.
constexpr std::int64_t kLock = 1264456023;
constexpr std::chrono::milliseconds kLongestPause{100};
constexpr int kAttempts = 5;

std::string table_of(const Database& database) {
    return database.quoted_schema() + ".stele_migrations";
}

/// Another process created the same thing at the same moment without our lock (mneme does so when it opens).
bool is_catalog_race(const Error& error) {
    return (error.sqlstate() == "23505" && error.server_message().find("\"pg_") != std::string::npos) ||
           error.sqlstate() == "42P06" || error.sqlstate() == "42P07";
}

}  // namespace

std::vector<AppliedMigration> read_applied(const Database& database, Executor& executor, Deadline deadline) {
    const Statement read(
        Sql("SELECT number, name, checksum, applied_at FROM " + table_of(database) + " ORDER BY number"));
    std::vector<AppliedMigration> applied;
    for (const Row& row : executor.query(read, deadline)) {
        applied.push_back({row.get<std::int32_t>("number"), row.get<std::string>("name"),
                           row.get<std::string>("checksum"), row.get<Timestamp>("applied_at")});
    }
    return applied;
}

std::optional<std::vector<AppliedMigration>> find_applied(Database& database, Deadline deadline) {
    try {
        return read_applied(database, database, deadline);
    } catch (const Error& error) {
        const bool is_missing = error.sqlstate() == "42P01" || error.sqlstate() == "3F000";  // table, schema
        if (is_missing) return std::nullopt;
        if (error.sqlstate() != "42501") throw;
        ErrorInfo info = error.info();
        info.code = ErrorCode::permission;
        const std::string& schema = database.quoted_schema();
        info.message = "the role may not read " + table_of(database) + "; run GRANT USAGE ON SCHEMA " + schema +
                       ", GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA " + schema +
                       " and GRANT USAGE ON ALL SEQUENCES IN SCHEMA " + schema;
        raise(std::move(info));
    }
}

std::vector<int> MigrationRunner::run() {
    const auto applied = find_applied(database_, deadline_).value_or(std::vector<AppliedMigration>());
    const auto pending = value_or_raise(plan_migrations(all_, applied));
    for (const Migration* migration : pending) {  // a malformed one stops all, before anything is done
        value_or_raise(migration_statements(*migration, database_.quoted_schema()));
    }
    std::vector<int> done;
    for (const Migration* migration : pending) {
        const auto work = [&] { return apply(*migration); };
        try {
            if (migration->transactional ? patiently(work) : work()) done.push_back(migration->number);
        } catch (const Error& error) {
            raise_from(error, *migration);
        }
    }
    return done;
}

std::vector<int> MigrationRunner::run_in(Transaction& transaction) {
    create_table(transaction);
    const auto pending = value_or_raise(plan_migrations(all_, read_applied(database_, transaction, deadline_)));
    std::vector<int> done;
    for (const Migration* migration : pending) {
        if (!migration->transactional) break;
        const auto statements = value_or_raise(migration_statements(*migration, database_.quoted_schema()));
        try {
            apply_in(transaction, *migration, statements);
        } catch (const Error& error) {
            raise_from(error, *migration);
        }
        done.push_back(migration->number);
    }
    return done;
}

/// Asks again and again instead of waiting in the server: a SELECT that waits for the lock holds a snapshot, for
/// which a CREATE INDEX CONCURRENTLY beside the lock's holder would wait, and so both for ever.
Transaction MigrationRunner::begin_locked() {
    for (auto pause = std::chrono::milliseconds(5);; pause = std::min(pause * 2, kLongestPause)) {
        const Statement statements[] = {
            Statement("SELECT set_config('lock_timeout', $1, true), set_config('statement_timeout', $2, true), "
                      "set_config('idle_in_transaction_session_timeout', '0', true)",
                      server_timeout(deadline_, lock_timeout_), server_timeout(deadline_)),
            Statement("SELECT pg_try_advisory_xact_lock($1)", kLock)};
        Transaction transaction = database_.begin({}, deadline_);
        if (transaction.run(statements, deadline_)[1][0].get<bool>(0)) return transaction;
        transaction.rollback(deadline_);
        if (deadline_.remaining() <= pause) {
            raise(ErrorCode::deadline_exceeded, "another process is migrating (it holds the advisory lock " +
                                                    std::to_string(kLock) + ") and was not done before the deadline");
        }
        std::this_thread::sleep_for(pause);
    }
}

/// True after a pause.
bool MigrationRunner::should_run_again(const Error& error, int attempt) {
    const bool again = is_catalog_race(error) || error.code() == ErrorCode::serialization;
    if (!again || attempt == kAttempts) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10) * attempt);
    return true;
}

/// A copy of `error` that says where it happened.
void MigrationRunner::raise_from(const Error& error, const Migration& migration) const {
    ErrorInfo info = error.info();
    if (info.sqlstate == "42501") {
        info.code = ErrorCode::permission;
        info.message =
            describe(migration) + ": the role may not change schema " + database_.quoted_schema() +
            "; ask its owner to run `stele migrate`, or to GRANT CREATE ON DATABASE (for a new schema) or ON "
            "SCHEMA " +
            database_.quoted_schema() + " (for new tables); existing tables only their owner changes";
    } else {
        info.message = describe(migration) + ": " + info.message;
    }
    raise(std::move(info));
}

/// False: another process has applied it meanwhile.
bool MigrationRunner::apply(const Migration& migration) {
    const auto statements = value_or_raise(migration_statements(migration, database_.quoted_schema()));
    Transaction transaction = begin_locked();
    if (create_table(transaction) && !migration.transactional) {
        transaction.commit(deadline_);  // what runs beside this transaction must find the schema
        return apply(migration);
    }
    const auto pending = value_or_raise(plan_migrations(all_, read_applied(database_, transaction, deadline_)));
    if (std::find(pending.begin(), pending.end(), &migration) == pending.end()) return false;

    if (migration.transactional) {
        apply_in(transaction, migration, statements);
    } else {
        note(transaction, migration);
        // PostgreSQL keeps the last SELECT of the extended protocol open, with its snapshot, until the next
        // statement; CREATE INDEX CONCURRENTLY would wait for that snapshot, and so for us, for ever.
        transaction.execute(Statement("SET LOCAL lock_timeout = 0"), deadline_);
        run_outside(migration, statements);
    }
    transaction.commit(deadline_);
    if (const auto& log = database_.options().log) log(LogLevel::info, "applied " + describe(migration));
    return true;
}

void MigrationRunner::apply_in(Transaction& transaction, const Migration& migration,
                               const std::vector<std::string>& statements) {
    for (const std::string& statement : statements) transaction.execute(Statement(Sql(statement)), deadline_);
    note(transaction, migration);
}

/// Creates only what is missing: CREATE ... IF NOT EXISTS needs the right to create even where nothing is to do.
bool MigrationRunner::create_table(Transaction& transaction) {
    const Statement look(
        "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1) AS has_schema, "
        "EXISTS (SELECT FROM pg_tables WHERE schemaname = $1 AND tablename = 'stele_migrations') AS has_table",
        database_.schema());
    const Row found = transaction.query(look, deadline_)[0];
    if (found.get<bool>("has_table")) return false;
    if (!found.get<bool>("has_schema")) {
        transaction.execute(Statement(Sql("CREATE SCHEMA " + database_.quoted_schema())), deadline_);
    }
    const Statement create(Sql("CREATE TABLE " + table_of(database_) +
                               " (number integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, "
                               "applied_at timestamptz NOT NULL DEFAULT clock_timestamp())"));
    transaction.execute(create, deadline_);
    return true;
}

void MigrationRunner::note(Transaction& transaction, const Migration& migration) {
    const Statement insert(Sql("INSERT INTO " + table_of(database_) + " (number, name, checksum) VALUES ($1, $2, $3)"),
                           static_cast<std::int32_t>(migration.number), migration.name, migration.checksum());
    transaction.execute(insert, deadline_);
}

/// On a connection of its own (the caller's pool may have but one, and that holds the lock).
void MigrationRunner::run_outside(const Migration& migration, const std::vector<std::string>& statements) {
    Database outside = database_.impl().beside(deadline_);
    drop_unfinished_indexes(outside, migration);
    for (const std::string& statement : statements) outside.execute(Statement(Sql(statement)), deadline_);
}

/// An interrupted CREATE INDEX CONCURRENTLY leaves an invalid index, which IF NOT EXISTS would take for a good one.
void MigrationRunner::drop_unfinished_indexes(Database& outside, const Migration& migration) {
    const Statement look(
        "SELECT coalesce(array_agg(i.relname::text), '{}') AS names FROM pg_index x "
        "JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_namespace n ON n.oid = i.relnamespace "
        "WHERE n.nspname = $1 AND NOT x.indisvalid AND i.relkind = 'i'",
        database_.schema());
    const auto invalid = outside.query(look, deadline_)[0].get<std::vector<std::string>>("names");
    for (const std::string& name : names_in(migration.sql, invalid)) {
        const Statement drop(
            Sql("DROP INDEX CONCURRENTLY IF EXISTS " + database_.quoted_schema() + "." + quote_identifier(name)));
        outside.execute(drop, deadline_);
    }
}

}  // namespace stele
