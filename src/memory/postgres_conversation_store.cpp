#include "memory/postgres_conversation_store.hpp"

#include <fmt/format.h>

#include <tuple>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "memory/memory_lineage.hpp"
#include "memory/memory_rows.hpp"

namespace stele {
namespace {

// In one snapshot: 0, the last stamp; 1, the turn that a page goes on from; 2, turns; 3 and more, turns of parents,
// that is of threads it goes on from.
std::string newest_text(const std::string& schema) {
    return fmt::format(
        "WITH {1} SELECT 0, newest, NULL::uuid, NULL::jsonb FROM {0}.stele_conversations WHERE thread_id = "
        "$1 UNION ALL (SELECT 2 + l.depth, t.* FROM lineage l CROSS JOIN LATERAL (SELECT created, identifier, payload "
        "FROM {0}.conversation_memory WHERE thread_id = l.thread AND created <= l.until ORDER BY created DESC, "
        "identifier DESC LIMIT $2) t)",
        schema, lineage_text(schema, "conversations"));
}

// The turn with the cursor's identifier is the first of at least that one: so it is looked up by the primary key,
// whatever the planner thinks of the other index, which begins with the thread as well.
std::string before_text(const std::string& schema) {
    return fmt::format(
        "WITH {1}, place AS (SELECT l.depth, c.created, c.identifier FROM lineage l CROSS JOIN LATERAL "
        "(SELECT m.thread_id, m.created, m.identifier FROM {0}.conversation_memory m WHERE (m.thread_id, m.identifier) "
        ">= (l.thread, $2) ORDER BY m.thread_id, m.identifier LIMIT 1) c WHERE c.thread_id = l.thread AND "
        "c.identifier = $2 AND c.created <= l.until ORDER BY l.depth LIMIT 1) SELECT 1, created, identifier, "
        "NULL::jsonb FROM place UNION ALL (SELECT 2 + l.depth, t.* FROM place p JOIN lineage l ON l.depth >= p.depth "
        "CROSS JOIN LATERAL (SELECT created, identifier, payload FROM {0}.conversation_memory WHERE thread_id = "
        "l.thread AND created <= l.until AND (created, identifier) < (CASE WHEN l.depth = p.depth THEN p.created ELSE "
        "'infinity' END, p.identifier) ORDER BY created DESC, identifier DESC LIMIT $3) t)",
        schema, lineage_text(schema, "conversations"));
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
      remember_(fmt::format("SELECT outcome, newest, which FROM {}.stele_remember_turns($1, $2, $3, $4, $5)",
                            quoted_schema)) {}

ConversationStore::Found PostgresConversationStore::read(const Statement& statement, std::optional<std::size_t> limit,
                                                         Deadline deadline) {
    Found found;
    std::vector<std::pair<std::int32_t, Turn>> turns;  // with their part
    for (const Row& row : executor_->query(statement, deadline)) {
        const auto created = row.find<Timestamp>(1);
        found.position.newest = std::max(found.position.newest, created);
        const auto part = row.get<std::int32_t>(0);
        found.cursor_found = found.cursor_found || part == 1;
        if (part >= 2) turns.push_back({part, {row.get<Uuid>(2), created, row.get<Json>(3)}});
    }
    // the order of a UNION's rows is not promised
    const auto newer = [](const auto& a, const auto& b) {
        return std::tie(b.first, a.second.created, a.second.identifier) >
               std::tie(a.first, b.second.created, b.second.identifier);
    };
    if (!std::is_sorted(turns.begin(), turns.end(), newer)) std::sort(turns.begin(), turns.end(), newer);
    const std::size_t count = std::min(limit.value_or(turns.size()), turns.size());  // each thread has so many
    found.turns.reserve(count);
    for (std::size_t i = 0; i < count; ++i) found.turns.push_back(std::move(turns[i].second));
    return found;
}

ConversationStore::Found PostgresConversationStore::newest(const std::string& thread, std::optional<std::size_t> limit,
                                                           Deadline deadline) {
    return read(marked_read(Statement(newest_, thread, row_limit(limit)), limit), limit, deadline);
}

ConversationStore::Found PostgresConversationStore::before(const std::string& thread, const Uuid& cursor,
                                                           std::size_t limit, Deadline deadline) {
    return read(marked_read(Statement(before_, thread, cursor, row_limit(limit)), limit), limit, deadline);
}

MemoryOutcome PostgresConversationStore::remember(const std::string& thread, const Write& write, Deadline deadline) {
    Statement statement(remember_, thread, json_array(write.turns, [](const Turn& turn) { return turn.payload; }),
                        write.expected.has_value(), write.expected.value_or(MemoryPosition()).newest,
                        text_array(write.responses));
    statement.repeatable();
    if (group_ && write.turns.size() <= kSharedRows) statement.group_commit("conversation_memory/" + thread);
    const Rows rows = executor_->query(statement, deadline);
    const auto outcome = rows[0].get<std::string_view>(0);
    refuse_if_unasked(rows[0], "conversation", thread);
    if (outcome == "taken") refuse_taken(thread, rows[0].get<std::string>(2));
    return {outcome_kind(outcome), {rows[0].find<Timestamp>(1)}};
}

}  // namespace stele
