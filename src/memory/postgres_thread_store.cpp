#include "memory/postgres_thread_store.hpp"

#include "memory/memory_rows.hpp"

namespace stele {
namespace {

std::size_t size_of(const Row& row, std::size_t column) {
    return static_cast<std::size_t>(row.get<std::int64_t>(column));
}

RemovedThread removed(const Row& row) {
    return {row.get<bool>(0), size_of(row, 1), size_of(row, 2), size_of(row, 3), size_of(row, 4)};
}

}  // namespace

std::vector<MemoryThread> PostgresThreadStore::by_activity(const std::optional<Cursor>& before, std::size_t limit,
                                                           Deadline deadline) {
    const auto active = before ? std::optional(before->active) : std::nullopt;
    const std::string identifier = before ? before->identifier : std::string();
    return read_threads(Statement(sql_.by_activity, active, identifier, row_limit(limit)), deadline);
}

std::vector<MemoryThread> PostgresThreadStore::by_identifier(const std::string& after, std::size_t limit,
                                                             Deadline deadline) {
    return read_threads(Statement(sql_.by_identifier, after, row_limit(limit)), deadline);
}

std::optional<MemoryThread> PostgresThreadStore::find(const std::string& thread, Deadline deadline) {
    std::vector<MemoryThread> found = read_threads(Statement(sql_.find, thread, row_limit(1)), deadline);
    return found.empty() ? std::nullopt : std::optional(std::move(found.front()));
}

std::vector<MemoryThread> PostgresThreadStore::read_threads(Statement statement, Deadline deadline) {
    std::vector<MemoryThread> threads;
    for (const Row& row : executor_.query(statement.slow_read(), deadline)) {
        threads.push_back({row.get<std::string>(0), size_of(row, 2), size_of(row, 3), row.get<Timestamp>(1),
                           row.find<std::string>(4)});
    }
    return threads;
}

RemovedThread PostgresThreadStore::remove(const std::string& thread, Deadline deadline) {
    return remove(thread, Statement(sql_.remove, thread), deadline);
}

RemovedThread PostgresThreadStore::remove_inactive(const std::string& thread, Timestamp since, Deadline deadline) {
    return remove(thread, Statement(sql_.remove_inactive, thread, since), deadline);
}

// The lock first, in a statement of its own, so that the next one sees what its holder committed.
RemovedThread PostgresThreadStore::remove(const std::string& thread, Statement statement, Deadline deadline) {
    const Statement batch[] = {Statement(sql_.lock, thread), std::move(statement)};
    const std::vector<Rows> rows = executor_.run(batch, deadline);
    return removed(rows[1][0]);
}

RemovedThread PostgresThreadStore::would_remove(const std::string& thread, Deadline deadline) {
    return removed(executor_.query(Statement(sql_.would_remove, thread).slow_read(), deadline)[0]);
}

ThreadStore::Forked PostgresThreadStore::fork(const std::string& parent, const std::string& thread,
                                              std::optional<Timestamp> at, Deadline deadline) {
    const Rows rows = executor_.query(Statement(sql_.fork, parent, thread, at), deadline);
    return {rows[0].find<Timestamp>(0), rows[0].get<bool>(1)};
}

std::vector<ThreadStore::Cut> PostgresThreadStore::cuts(const std::string& after, std::size_t limit,
                                                        const Limits& limits, Deadline deadline) {
    return read_cuts(sql_.cuts, after, limit, limits, deadline);
}

std::optional<ThreadStore::Cut> PostgresThreadStore::cut(const std::string& thread, const Limits& limits,
                                                         Deadline deadline) {
    std::vector<Cut> found = read_cuts(sql_.cut, thread, 1, limits, deadline);
    return found.empty() ? std::nullopt : std::optional(std::move(found.front()));
}

std::vector<ThreadStore::Cut> PostgresThreadStore::read_cuts(const Sql& sql, const std::string& thread,
                                                             std::size_t limit, const Limits& limits,
                                                             Deadline deadline) {
    Statement statement(sql, thread, row_limit(limit), row_limit(limits.keep), limits.created_before,
                        row_limit(limits.keep_bytes));
    std::vector<Cut> all;
    for (const Row& row : executor_.query(statement.slow_read(), deadline)) {
        all.push_back({row.get<std::string>(0), row.find<Timestamp>(1), row.get<bool>(2), size_of(row, 3)});
    }
    return all;
}

std::vector<ToolUse> PostgresThreadStore::tool_uses(const std::string& thread, std::optional<Timestamp> since,
                                                    Deadline deadline) {
    if (kind_ == MemoryKind::conversations) return {};
    return read_uses(executor_, thread, since, deadline);
}

std::vector<ToolUse> PostgresThreadStore::read_uses(Executor& executor, const std::string& thread,
                                                    std::optional<Timestamp> since, Deadline deadline) {
    std::vector<ToolUse> uses;
    for (const Row& row : executor.query(Statement(sql_.tool_uses, thread, since).slow_read(), deadline)) {
        uses.push_back(
            {row.get<Timestamp>(0), row.get<std::vector<std::string>>(1), row.get<std::vector<std::string>>(2)});
    }
    return uses;
}

ThreadStore::Gone PostgresThreadStore::remove_requests(const std::string& thread, Timestamp since,
                                                       const WhichRequests& which, Deadline deadline) {
    const auto remove = [&](Executor& inside) -> Gone {
        inside.execute(Statement(sql_.lock, thread), deadline);
        std::vector<std::string> times;
        for (const Timestamp time : which(read_uses(inside, thread, since, deadline))) {
            times.push_back(to_iso8601(time));
        }
        return times.empty() ? Gone() : read_gone(inside, Statement(sql_.remove_requests, thread, times), deadline);
    };
    return joined_ != nullptr ? remove(*joined_) : database_->transaction(remove);
}

ThreadStore::Gone PostgresThreadStore::read_gone(Executor& executor, const Statement& statement, Deadline deadline) {
    const Rows rows = executor.query(statement, deadline);
    return {size_of(rows[0], 0), size_of(rows[0], 1)};
}

ThreadStore::Gone PostgresThreadStore::count_older(const std::string& thread, Timestamp before, Deadline deadline) {
    return read_gone(executor_, Statement(sql_.count_older, thread, before).slow_read(), deadline);
}

ThreadStore::Gone PostgresThreadStore::remove_older(const std::string& thread, Timestamp before, std::size_t limit,
                                                    Deadline deadline) {
    return read_gone(executor_, Statement(sql_.remove_older, thread, before, row_limit(limit)), deadline);
}

std::size_t PostgresThreadStore::remove_snapshots(const std::string& thread, std::optional<Timestamp> before,
                                                  Deadline deadline) {
    if (kind_ == MemoryKind::conversations) return 0;
    return executor_.execute(Statement(sql_.remove_snapshots, thread, before), deadline);
}

}  // namespace stele
