#include "memory/postgres_conversation_store.hpp"

#include <fmt/format.h>

#include <tuple>

#include "base/result.hpp"
#include "memory/memory_rows.hpp"

namespace stele {
namespace {

// In one snapshot: 0, the last stamp; 1, the turn that a page goes on from; 2, turns.
std::string newest_text(const std::string& schema) {
    return fmt::format(
        "SELECT 0, newest, NULL::uuid, NULL::jsonb FROM {0}.stele_conversations WHERE thread_id = $1 "
        "UNION ALL (SELECT 2, created, identifier, payload FROM {0}.conversation_memory WHERE thread_id = $1 "
        "ORDER BY created DESC, identifier DESC LIMIT $2)",
        schema);
}

std::string before_text(const std::string& schema) {
    return fmt::format(
        "SELECT 1, created, identifier, NULL::jsonb FROM {0}.conversation_memory WHERE thread_id = $1 AND identifier = "
        "$2 UNION ALL (SELECT 2, created, identifier, payload FROM {0}.conversation_memory WHERE thread_id = $1 AND "
        "(created, identifier) < ((SELECT c.created FROM {0}.conversation_memory c WHERE c.thread_id = $1 AND "
        "c.identifier = $2), $2) ORDER BY created DESC, identifier DESC LIMIT $3)",
        schema);
}

}  // namespace

void refuse_taken(const std::string& thread, const std::string& identifier) {
    raise(ErrorCode::constraint_violation,
          fmt::format("the conversation \"{}\" has another turn of the identifier {}; give each turn one of its own. "
                      "Nothing was stored",
                      thread, identifier));
}

PostgresConversationStore::PostgresConversationStore(std::shared_ptr<Executor> executor,
                                                     const std::string& quoted_schema, bool group)
    : executor_(std::move(executor)),
      group_(group),
      newest_(newest_text(quoted_schema)),
      before_(before_text(quoted_schema)),
      remember_(
          fmt::format("SELECT outcome, newest, which FROM {}.stele_remember_turns($1, $2, $3, $4)", quoted_schema)) {}

ConversationStore::Found PostgresConversationStore::read(const Statement& statement, Deadline deadline) {
    Found found;
    for (const Row& row : executor_->query(statement, deadline)) {
        const auto created = row.find<Timestamp>(1);
        found.position.newest = std::max(found.position.newest, created);
        const auto part = row.get<std::int32_t>(0);
        found.cursor_found = found.cursor_found || part == 1;
        if (part == 2) found.turns.push_back({row.get<Uuid>(2), created, row.get<Json>(3)});
    }
    // the order of a UNION's rows is not promised
    const auto newer = [](const Turn& a, const Turn& b) {
        return std::tie(a.created, a.identifier) > std::tie(b.created, b.identifier);
    };
    if (!std::is_sorted(found.turns.begin(), found.turns.end(), newer)) {
        std::sort(found.turns.begin(), found.turns.end(), newer);
    }
    return found;
}

ConversationStore::Found PostgresConversationStore::newest(const std::string& thread, std::optional<std::size_t> limit,
                                                           Deadline deadline) {
    return read(marked_read(Statement(newest_, thread, row_limit(limit)), limit), deadline);
}

ConversationStore::Found PostgresConversationStore::before(const std::string& thread, const Uuid& cursor,
                                                           std::size_t limit, Deadline deadline) {
    return read(marked_read(Statement(before_, thread, cursor, row_limit(limit)), limit), deadline);
}

MemoryOutcome PostgresConversationStore::remember(const std::string& thread, const Write& write, Deadline deadline) {
    Statement statement(remember_, thread, json_array(write.turns, [](const Turn& turn) { return turn.payload; }),
                        write.expected.has_value(), write.expected.value_or(MemoryPosition()).newest);
    statement.repeatable();
    if (group_ && write.turns.size() <= kSharedRows) statement.group_commit("conversation_memory/" + thread);
    const Rows rows = executor_->query(statement, deadline);
    const auto outcome = rows[0].get<std::string_view>(0);
    if (outcome == "taken") refuse_taken(thread, rows[0].get<std::string>(2));
    return {outcome_kind(outcome), {rows[0].find<Timestamp>(1)}};
}

}  // namespace stele
