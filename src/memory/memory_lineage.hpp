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
    return fmt::format(
        "lineage AS (SELECT $1::text AS thread, 'infinity'::timestamptz AS until, 0 AS depth UNION ALL SELECT "
        "f.parent, "
        "least(l.until, f.until), l.depth + 1 FROM lineage l JOIN {}.stele_memory_forks f ON f.kind = '{}' AND "
        "f.thread = l.thread WHERE l.depth < {})",
        quoted_schema, kind, kDeepest);
}

}  // namespace stele
