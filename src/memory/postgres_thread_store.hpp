// Threads in draive's tables.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "memory/thread_sql.hpp"
#include "memory/thread_store.hpp"
#include "postgres/joined_transaction.hpp"
#include "stele/database.hpp"

namespace stele {

/// Thread-safe, unless it is in a transaction.
class PostgresThreadStore final : public ThreadStore {
public:
    PostgresThreadStore(MemoryKind kind, const Database& database)
        : kind_(kind), database_(database), executor_(*database_), sql_(kind, database.quoted_schema()) {}
    /// Inside a transaction.
    PostgresThreadStore(MemoryKind kind, std::shared_ptr<JoinedTransaction> joined, const std::string& quoted_schema)
        : kind_(kind), joined_(std::move(joined)), executor_(*joined_), sql_(kind, quoted_schema) {}

    std::vector<MemoryThread> by_activity(const std::optional<Cursor>& before, std::size_t limit,
                                          Deadline deadline) override;
    std::vector<MemoryThread> by_identifier(const std::string& after, std::size_t limit, Deadline deadline) override;
    std::optional<MemoryThread> find(const std::string& thread, Deadline deadline) override;
    RemovedThread remove(const std::string& thread, Deadline deadline) override;
    RemovedThread would_remove(const std::string& thread, Deadline deadline) override;
    Forked fork(const std::string& parent, const std::string& thread, std::optional<Timestamp> at,
                Deadline deadline) override;

    std::vector<Cut> cuts(const std::string& after, std::size_t limit, const Limits& limits,
                          Deadline deadline) override;
    std::optional<Cut> cut(const std::string& thread, const Limits& limits, Deadline deadline) override;
    std::vector<ToolUse> tool_uses(const std::string& thread, std::optional<Timestamp> since,
                                   Deadline deadline) override;
    Gone remove_requests(const std::string& thread, Timestamp since, const WhichRequests& which,
                         Deadline deadline) override;
    Gone count_older(const std::string& thread, Timestamp before, Deadline deadline) override;
    Gone remove_older(const std::string& thread, Timestamp before, std::size_t limit, Deadline deadline) override;
    std::size_t remove_snapshots(const std::string& thread, std::optional<Timestamp> before,
                                 Deadline deadline) override;
    RemovedThread remove_inactive(const std::string& thread, Timestamp since, Deadline deadline) override;

private:
    std::vector<MemoryThread> read_threads(Statement statement, Deadline deadline);
    std::vector<Cut> read_cuts(const Sql& sql, const std::string& thread, std::size_t limit, const Limits& limits,
                               Deadline deadline);
    std::vector<ToolUse> read_uses(Executor& executor, const std::string& thread, std::optional<Timestamp> since,
                                   Deadline deadline);
    static Gone read_gone(Executor& executor, const Statement& statement, Deadline deadline);
    RemovedThread remove(const std::string& thread, Statement statement, Deadline deadline);

    const MemoryKind kind_;
    std::optional<Database> database_;
    const std::shared_ptr<JoinedTransaction> joined_;
    Executor& executor_;
    const ThreadSql sql_;
};

}  // namespace stele
