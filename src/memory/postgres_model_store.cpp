#include "memory/postgres_model_store.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/result.hpp"
#include "memory/memory_lineage.hpp"
#include "memory/memory_rows.hpp"

namespace stele {
namespace {

constexpr std::string_view kUniqueElement = "stele_memories_elements_element";

// What is found of one memory, in one snapshot: the last stamp, the newest variables, the newest elements; those of a
// parent, that is of a thread it goes on from, have higher numbers.
enum Part : std::int32_t { last_stamp, variables, element };

std::string recall_text(const std::string& schema) {
    return fmt::format(
        "WITH {1} SELECT 0, NULL::jsonb, stele_newest FROM {0}.memories WHERE identifier = $1 "
        "UNION ALL (SELECT 1, variables, created FROM {0}.memories_variables WHERE identifier = $1 ORDER BY created "
        "DESC LIMIT 1) "
        "UNION ALL (SELECT 2 + l.depth, e.content, e.created FROM lineage l CROSS JOIN LATERAL (SELECT content, "
        "created "
        "FROM {0}.memories_elements WHERE identifier = l.thread AND created <= l.until ORDER BY created DESC LIMIT $2) "
        "e)",
        schema, lineage_text(schema, "models"));
}

}  // namespace

PostgresModelStore::PostgresModelStore(std::shared_ptr<Executor> executor, const std::string& quoted_schema, bool group)
    : executor_(std::move(executor)),
      group_(group),
      recall_(recall_text(quoted_schema)),
      remember_(fmt::format("SELECT outcome, newest, which FROM {}.stele_remember($1, $2, $3, $4, $5, $6, $7)",
                            quoted_schema)),
      create_(fmt::format("INSERT INTO {}.memories (identifier) VALUES ($1) ON CONFLICT DO NOTHING", quoted_schema)) {}

ModelStore::Found PostgresModelStore::recall(const std::string& memory, std::optional<std::size_t> limit,
                                             Deadline deadline) {
    const Statement statement = marked_read(Statement(recall_, memory, row_limit(limit)), limit);
    Found found;
    struct Placed {
        std::int32_t part;
        Timestamp created;
        Json content;
    };
    std::vector<Placed> elements;
    for (const Row& row : executor_->query(statement, deadline)) {
        const auto created = row.find<Timestamp>(2);
        found.position.newest = std::max(found.position.newest, created);
        const auto part = row.get<std::int32_t>(0);
        if (part == Part::variables) found.variables = row.get<Json>(1);
        if (part >= Part::element) elements.push_back({part, created.value_or(Timestamp()), row.get<Json>(1)});
    }
    // the order of a UNION's rows is not promised
    const auto newer = [](const Placed& a, const Placed& b) {
        return a.part != b.part ? a.part < b.part : a.created > b.created;
    };
    if (!std::is_sorted(elements.begin(), elements.end(), newer)) std::sort(elements.begin(), elements.end(), newer);
    const std::size_t count = std::min(limit.value_or(elements.size()), elements.size());  // each thread has so many
    found.elements.reserve(count);
    for (std::size_t i = 0; i < count; ++i) found.elements.push_back(std::move(elements[i].content));
    return found;
}

MemoryOutcome PostgresModelStore::remember(const std::string& memory, const Write& write, Deadline deadline) {
    std::optional<Json> elements;
    if (!write.elements.empty()) {
        elements = json_array(write.elements, [](const Element& element) { return element.content; });
    }
    Statement statement(remember_, memory, elements, write.variables, write.key, write.expected.has_value(),
                        write.expected.value_or(MemoryPosition()).newest, text_array(write.responses));
    if (write.key) statement.repeatable();
    if (group_ && write.elements.size() <= kSharedRows) statement.group_commit("memories/" + memory);
    try {
        const Rows rows = executor_->query(statement, deadline);
        refuse_if_unasked(rows[0], "memory", memory);
        return {outcome_kind(rows[0].get<std::string_view>(0)), {rows[0].find<Timestamp>(1)}};
    } catch (const Error& error) {
        if (error.server_message().find(kUniqueElement) == std::string::npos) throw;
        ErrorInfo info = error.info();
        info.message = fmt::format(
            "memory \"{}\": the identifier of an element is that of an element in another memory; give it one of its "
            "own. Nothing was stored",
            memory);
        raise(std::move(info));
    }
}

void PostgresModelStore::create(const std::string& memory, Deadline deadline) {
    Statement statement(create_, memory);
    statement.repeatable();
    if (group_) statement.group_commit("memories/" + memory);
    executor_->execute(statement, deadline);
}

}  // namespace stele
