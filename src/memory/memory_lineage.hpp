// A thread and those that it goes on from, in SQL.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace stele {

/// The common table expression "lineage (thread, until, depth)", for WITH RECURSIVE: the thread $1 at depth 0, whole,
/// and above it what it has of its parent, of its parent's parent and so on, each up to a stamp.
inline std::string lineage_text(std::string_view quoted_schema, std::string_view kind) {
    constexpr int kDeepest = 1000;  // whatever somebody wrote into the table
    // the fork of a thread is the first of at least that thread: looked up by the primary key, however many forks
    // there are by now
    return fmt::format(
        "lineage AS (SELECT $1::text AS thread, 'infinity'::timestamptz AS until, 0 AS depth UNION ALL SELECT "
        "f.parent, least(l.until, f.until), l.depth + 1 FROM lineage l CROSS JOIN LATERAL (SELECT * FROM "
        "{0}.stele_memory_forks g WHERE (g.kind, g.thread) >= ('{1}', l.thread) ORDER BY g.kind, g.thread LIMIT 1) f "
        "WHERE f.kind = '{1}' AND f.thread = l.thread AND l.depth < {2})",
        quoted_schema, kind, kDeepest);
}

}  // namespace stele
