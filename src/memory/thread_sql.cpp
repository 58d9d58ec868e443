#include "memory/thread_sql.hpp"

#include <fmt/format.h>

#include <string_view>

#include "memory/memory_lineage.hpp"

namespace stele {
namespace {

/// What one kind differs in.
struct Shape {
    std::string kind;                       // of forks
    std::string items, owner, body, order;  // of the rows of a thread
    std::string variables;                  // empty: it has none
    std::string base;                       // the table with a row a thread, which writers lock
    std::string base_key;

    std::string all, behind, one;  // threads: all; those behind $1, $2 at most; $1, if it is there

    /// When the thread was last active.
    std::string (*activity)(const std::string& schema, std::string_view thread);
};

std::string model_activity(const std::string& schema, std::string_view thread) {
    return fmt::format(
        "(SELECT coalesce(greatest(m.stele_newest, (SELECT created FROM {0}.memories_elements WHERE identifier = {1} "
        "ORDER BY created DESC LIMIT 1), (SELECT created FROM {0}.memories_variables WHERE identifier = {1} ORDER BY "
        "created DESC LIMIT 1)), m.created) FROM {0}.memories m WHERE m.identifier = {1})",
        schema, thread);
}

std::string conversation_activity(const std::string& schema, std::string_view thread) {
    return fmt::format(
        "greatest((SELECT newest FROM {0}.stele_conversations WHERE thread_id = {1}), (SELECT created FROM "
        "{0}.conversation_memory WHERE thread_id = {1} ORDER BY created DESC LIMIT 1))",
        schema, thread);
}

Shape model_shape(const std::string& schema) {
    const std::string threads = fmt::format("SELECT identifier AS thread FROM {}.memories", schema);
    return {"models",
            schema + ".memories_elements",
            "identifier",
            "content",
            "created DESC, ctid DESC",
            schema + ".memories_variables",
            schema + ".memories",
            "identifier",
            threads,
            threads + " WHERE identifier > $1 ORDER BY identifier LIMIT $2",
            threads + " WHERE identifier = $1 LIMIT $2",
            model_activity};
}

// Of a conversation that only draive wrote to there are turns alone; of one that has none left, or none yet, the row
// that its writers lock. Both are asked for one identifier after the other: a DISTINCT would read every turn.
Shape conversation_shape(const std::string& schema) {
    const auto next = [&](std::string_view after) {
        return fmt::format(
            "least((SELECT thread_id FROM {0}.conversation_memory WHERE thread_id > {1} ORDER BY thread_id LIMIT 1), "
            "(SELECT thread_id FROM {0}.stele_conversations WHERE thread_id > {1} AND newest IS NOT NULL ORDER BY "
            "thread_id LIMIT 1))",
            schema, after);
    };
    const auto walk = [&](std::string_view after, std::string_view more) {
        return fmt::format(
            "SELECT thread FROM (WITH RECURSIVE one AS (SELECT {} AS thread, 1 AS place UNION ALL SELECT {}, place + 1 "
            "FROM one WHERE one.thread IS NOT NULL{}) SELECT thread FROM one WHERE thread IS NOT NULL) walk",
            next(after), next("one.thread"), more);
    };
    return {"conversations",
            schema + ".conversation_memory",
            "thread_id",
            "payload",
            "created DESC, identifier DESC",
            "",
            schema + ".stele_conversations",
            "thread_id",
            walk("''", ""),
            walk("$1", " AND place < $2") + " WHERE $2 > 0",
            fmt::format("SELECT $1::text AS thread WHERE EXISTS (SELECT FROM {0}.conversation_memory WHERE thread_id = "
                        "$1) OR EXISTS (SELECT FROM {0}.stele_conversations WHERE thread_id = $1 AND newest IS NOT "
                        "NULL) LIMIT $2",
                        schema),
            conversation_activity};
}

class Texts {
public:
    Texts(MemoryKind kind, const std::string& schema)
        : schema_(schema), shape_(kind == MemoryKind::models ? model_shape(schema) : conversation_shape(schema)) {}

    std::string by_activity() const {
        const std::string active =
            fmt::format("SELECT thread, {} AS active FROM ({}) named", activity("named.thread"), shape_.all);
        return fmt::format(
            "SELECT a.thread, a.active, s.items, s.bytes, {} FROM (SELECT thread, active FROM ({}) every WHERE "
            "$1::timestamptz IS NULL OR (active, thread) < ($1, $2) ORDER BY active DESC, thread DESC LIMIT $3) a "
            "CROSS JOIN LATERAL ({}) s ORDER BY a.active DESC, a.thread DESC",
            parent("a.thread"), active, size("a.thread"));
    }
    std::string described(const std::string& threads) const {
        return fmt::format(
            "SELECT p.thread, {} AS active, s.items, s.bytes, {} FROM ({}) p CROSS JOIN LATERAL ({}) s ORDER BY "
            "p.thread",
            activity("p.thread"), parent("p.thread"), threads, size("p.thread"));
    }

    std::string cuts(const std::string& threads) const {
        const std::string of_thread = fmt::format("FROM {} WHERE {} = p.thread", shape_.items, shape_.owner);
        const std::string by_count = fmt::format(
            "SELECT created AS at {} AND $3::bigint IS NOT NULL ORDER BY created DESC OFFSET greatest($3, 1) - 1 LIMIT "
            "1",
            of_thread);
        const std::string by_bytes = fmt::format(
            "SELECT min(created) AS at FROM (SELECT created, sum({}) OVER newest AS bytes, row_number() OVER newest AS "
            "place {} AND $5::bigint IS NOT NULL WINDOW newest AS (ORDER BY {} ROWS UNBOUNDED PRECEDING)) sums WHERE "
            "bytes <= $5 OR place = 1",
            bytes(), of_thread, shape_.order);
        return fmt::format(
            "SELECT c.thread, CASE WHEN EXISTS (SELECT FROM {items} WHERE {owner} = c.thread AND created < c.at) THEN "
            "c.at END, c.whole, {snapshots} FROM (SELECT p.thread, CASE WHEN $3 IS NULL OR k.at IS NOT NULL THEN "
            "least(k.at, $4::timestamptz, b.at) END AS at, $3 IS NULL AND $5 IS NULL AND coalesce({active} < $4, "
            "false) "
            "AS whole FROM ({threads}) p LEFT JOIN "
            "LATERAL ({by_count}) k ON true LEFT JOIN LATERAL ({by_bytes}) b ON true) c ORDER BY c.thread",
            fmt::arg("items", shape_.items), fmt::arg("owner", shape_.owner),
            fmt::arg("snapshots", has_variables() ? snapshots_to_go() : std::string("0::bigint")),
            fmt::arg("active", activity("p.thread")), fmt::arg("threads", threads), fmt::arg("by_count", by_count),
            fmt::arg("by_bytes", by_bytes));
    }

    // A response of a tool may be elements away from its request; a turn has both, or is as its writer wanted it.
    std::string tool_uses() const {
        if (!has_variables()) return {};
        const auto identifiers = [](std::string_view type) {
            return fmt::format(
                "ARRAY(SELECT coalesce(block ->> 'identifier', '') FROM jsonb_path_query(content, '$.blocks[*] ? "
                "(@.type == \"{}\")') block)",
                type);
        };
        return fmt::format(
            "SELECT created, {}, {} FROM {} WHERE {} = $1 AND created >= coalesce($2::timestamptz, '-infinity') AND "
            "content @? '$.blocks[*] ? (@.type starts with \"tool_\")' ORDER BY created, ctid",
            identifiers("tool_request"), identifiers("tool_response"), shape_.items, shape_.owner);
    }

    std::string count_older() const {
        return fmt::format("SELECT count(*), coalesce(sum({}), 0)::bigint FROM {} WHERE {} = $1 AND created < $2",
                           bytes(), shape_.items, shape_.owner);
    }
    std::string remove_older() const {
        return fmt::format(
            "WITH gone AS (DELETE FROM {0} WHERE ctid = ANY (ARRAY(SELECT ctid FROM {0} WHERE {1} = $1 AND created < "
            "$2 ORDER BY created LIMIT $3)) RETURNING {2} AS bytes) {3}",
            shape_.items, shape_.owner, bytes(), sum_of_gone());
    }
    std::string remove_requests() const {
        if (!has_variables()) return {};
        return fmt::format(
            "WITH gone AS (DELETE FROM {} WHERE {} = $1 AND created = ANY ($2::text[]::timestamptz[]) AND content @> "
            "'{{\"blocks\": [{{\"type\": \"tool_request\"}}]}}' RETURNING {} AS bytes) {}",
            shape_.items, shape_.owner, bytes(), sum_of_gone());
    }
    std::string remove_snapshots() const {
        return has_variables() ? fmt::format("DELETE {}", replaced("$1", "$2")) : std::string();
    }

    std::string lock() const {
        return fmt::format("SELECT FROM {} WHERE {} = $1 FOR UPDATE", shape_.base, shape_.base_key);
    }
    /// `verb`: DELETE, or SELECT to count what that would take.
    std::string remove(std::string_view verb, const std::string& condition) const {
        const auto taken = [&](const std::string& table, const std::string& where, const std::string& columns) {
            if (verb == "SELECT") {
                return fmt::format("(SELECT {} FROM {} WHERE {} AND {})", columns, table, where, condition);
            }
            return fmt::format("({} FROM {} WHERE {} AND {} RETURNING {})", verb, table, where, condition, columns);
        };
        const auto all_of = [&](const std::string& table, const std::string& key, const std::string& bytes) {
            return taken(table, key + " = $1", bytes + " AS bytes");
        };
        const std::string forks =
            taken(schema_ + ".stele_memory_forks",
                  fmt::format("kind = '{}' AND (thread = $1 OR parent = $1)", shape_.kind), "parent");
        return fmt::format(
            "WITH items AS {}, snapshots AS {}, base AS {}, forks AS {} SELECT EXISTS (SELECT 1 FROM items UNION "
            "ALL "
            "SELECT 1 FROM base), (SELECT count(*) FROM items), (SELECT coalesce(sum(bytes), 0)::bigint FROM items), "
            "(SELECT count(*) FROM snapshots), (SELECT count(*) FROM forks WHERE parent = $1)",
            all_of(shape_.items, shape_.owner, bytes()),
            has_variables() ? all_of(shape_.variables, "identifier", "0") : std::string("(SELECT 0 LIMIT 0)"),
            all_of(shape_.base, shape_.base_key, "0"), forks);
    }

    // The first element or turn of the fork gets a stamp later than what its row says, so behind all that it has of its
    // parent.
    std::string fork() const {
        const auto newest_of = [&](const std::string& table, const std::string& key, std::string_view columns) {
            return fmt::format(
                "SELECT r.* FROM lineage l CROSS JOIN LATERAL (SELECT {} FROM {} WHERE {} = l.thread AND created <= "
                "least(l.until, coalesce($3::timestamptz, 'infinity')) ORDER BY created DESC LIMIT 1) r ORDER BY "
                "l.depth LIMIT 1",
                columns, table, key);
        };
        const std::string newest_item = newest_of(shape_.items, shape_.owner, "created");
        const std::string variables =
            has_variables() ? newest_of(shape_.variables, "identifier", "variables, created") : std::string();
        return fmt::format(
            "WITH {lineage}{given}, point AS (SELECT greatest(({item}){given_at}) AS until), base AS ({base} "
            "RETURNING {key}), fork AS (INSERT INTO {schema}.stele_memory_forks (kind, thread, parent, until) SELECT "
            "'{kind}', $2::text, $1::text, p.until FROM base, point p){copy} SELECT until, EXISTS (SELECT FROM base) "
            "FROM "
            "point",
            fmt::arg("lineage", lineage_text(schema_, shape_.kind)),
            fmt::arg("given", has_variables() ? ", given AS (" + variables + ")" : std::string()),
            fmt::arg("item", newest_item), fmt::arg("given_at", has_variables() ? ", (SELECT created FROM given)" : ""),
            fmt::arg("base", has_variables() ? new_model() : new_conversation()), fmt::arg("key", shape_.base_key),
            fmt::arg("schema", schema_), fmt::arg("kind", shape_.kind),
            fmt::arg("copy",
                     has_variables()
                         ? fmt::format(", copied AS (INSERT INTO {} (identifier, variables, created) SELECT $2, "
                                       "g.variables, g.created FROM base, given g)",
                                       shape_.variables)
                         : std::string()));
    }

    std::string activity(std::string_view thread) const { return shape_.activity(schema_, thread); }
    const Shape& shape() const noexcept { return shape_; }

private:
    bool has_variables() const noexcept { return !shape_.variables.empty(); }
    std::string bytes() const { return fmt::format("octet_length({}::text)", shape_.body); }
    std::string size(std::string_view thread) const {
        return fmt::format("SELECT count(*) AS items, coalesce(sum({}), 0)::bigint AS bytes FROM {} WHERE {} = {}",
                           bytes(), shape_.items, shape_.owner, thread);
    }
    static std::string sum_of_gone() { return "SELECT count(*), coalesce(sum(bytes), 0)::bigint FROM gone"; }
    std::string snapshots_to_go() const {
        return fmt::format(
            "CASE WHEN c.whole THEN (SELECT count(*) FROM {} WHERE identifier = c.thread) ELSE (SELECT count(*) {}) "
            "END",
            shape_.variables, replaced("c.thread", "$4"));
    }
    std::string parent(std::string_view thread) const {
        return fmt::format("(SELECT f.parent FROM {}.stele_memory_forks f WHERE f.kind = '{}' AND f.thread = {})",
                           schema_, shape_.kind, thread);
    }
    std::string new_model() const {
        return fmt::format(
            "INSERT INTO {} (identifier, stele_newest, stele_forked) SELECT $2::text, until, true FROM point WHERE "
            "until IS NOT NULL ON "
            "CONFLICT DO NOTHING",
            shape_.base);
    }
    /// In the place of a row, perhaps, that a call made which stored nothing.
    std::string new_conversation() const {
        return fmt::format(
            "INSERT INTO {0} AS c (thread_id, newest, forked) SELECT $2::text, until, true FROM point WHERE until IS "
            "NOT NULL AND "
            "NOT "
            "EXISTS (SELECT FROM {1} WHERE thread_id = $2) ON CONFLICT (thread_id) DO UPDATE SET newest = "
            "EXCLUDED.newest, forked = true WHERE c.newest IS NULL",
            shape_.base, shape_.items);
    }
    /// Snapshots that a newer one has replaced.
    std::string replaced(std::string_view thread, std::string_view before) const {
        return fmt::format(
            "FROM {0} WHERE identifier = {1} AND created < (SELECT max(n.created) FROM {0} n WHERE n.identifier = {1}) "
            "AND ({2}::timestamptz IS NULL OR created < {2})",
            shape_.variables, thread, before);
    }

    const std::string& schema_;
    const Shape shape_;
};

}  // namespace

ThreadSql::ThreadSql(MemoryKind kind, const std::string& quoted_schema)
    : by_activity(std::string()),
      by_identifier(std::string()),
      find(std::string()),
      cuts(std::string()),
      cut(std::string()),
      tool_uses(std::string()),
      count_older(std::string()),
      remove_older(std::string()),
      remove_requests(std::string()),
      remove_snapshots(std::string()),
      lock(std::string()),
      remove(std::string()),
      would_remove(std::string()),
      remove_inactive(std::string()),
      fork(std::string()) {
    const Texts texts(kind, quoted_schema);
    by_activity = texts.by_activity();
    by_identifier = texts.described(texts.shape().behind);
    find = texts.described(texts.shape().one);
    cuts = texts.cuts(texts.shape().behind);
    cut = texts.cuts(texts.shape().one);
    tool_uses = texts.tool_uses();
    count_older = texts.count_older();
    remove_older = texts.remove_older();
    remove_requests = texts.remove_requests();
    remove_snapshots = texts.remove_snapshots();
    lock = texts.lock();
    remove = texts.remove("DELETE", "true");
    would_remove = texts.remove("SELECT", "true");
    remove_inactive = texts.remove("DELETE", texts.activity("$1") + " < $2");
    fork = texts.fork();
}

}  // namespace stele
