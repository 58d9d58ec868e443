// A thread and those that it goes on from, in SQL.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace stele {

/// The common table expression "lineage (thread, until, depth)": the thread $1 at depth 0, whole, and above it what it
/// has of its parent, of its parent's parent and so on, each up to a stamp.
inline std::string lineage_text(std::string_view quoted_schema, std::string_view kind) {
    return fmt::format("lineage AS (SELECT * FROM {}.stele_lineage('{}', $1))", quoted_schema, kind);
}

}  // namespace stele
