// Which tables an archive of the cache holds, and how their rows come out and go in.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "stele/statement.hpp"

namespace stele {

/// A table. Each of its lists is separated by commas.
struct ArchivePart {
    std::string_view table;
    std::string_view columns;  ///< with their types
    std::string_view key;
    std::string_view order;
    /// Of what is kept beside entries: what entries.stele_depends (of an entry e) becomes. Its first columns are the
    /// question's, by which it finds the entry again.
    std::string_view beside = {};
};

/// In the order in which they are written and read.
inline constexpr std::array kArchiveParts{
    ArchivePart{"stele_scopes", "namespace text, tenant text, attributes jsonb, created_at timestamptz", "namespace",
                "namespace"},
    ArchivePart{"namespace_quotas", "namespace text, max_entries bigint", "namespace", "namespace"},
    ArchivePart{"stele_cache_limits", "namespace text, whole boolean, max_entries bigint, max_bytes bigint",
                "namespace, whole", "whole, namespace"},
    ArchivePart{"stele_cache_policies",
                "namespace text, similarity_threshold real, default_ttl bigint, min_confidence real", "namespace",
                "namespace"},
    ArchivePart{"stele_heads", "kind text, name text, version text, published timestamptz", "kind, name", "kind, name"},
    ArchivePart{"cache_counters", "namespace text, name text, value bigint", "namespace, name", "namespace, name"},
    ArchivePart{"entries",
                "namespace text, query_hash text, query text, response text, embedding bytea, metadata jsonb,"
                " created_at bigint, last_accessed_at bigint, ttl bigint, access_count bigint",
                "namespace, query_hash", "id"},
    ArchivePart{"stele_entry_tags", "namespace text, query_hash text, tag text", "namespace, entry_id, tag",
                "entry_id, tag", "coalesce(e.stele_depends, false)"},
    ArchivePart{"stele_entry_dependencies", "namespace text, query_hash text, kind text, name text, version text",
                "namespace, entry_id, kind, name, version", "entry_id, kind, name, version", "true"},
};

/// -> how many rows export_part() has.
Sql count_part(const ArchivePart& part, const std::string& quoted_schema);
/// -> JSON text of an object a row, without line breaks; vectors in base64.
Sql export_part(const ArchivePart& part, const std::string& quoted_schema);
/// $1: a JSON array of such objects. What is kept beside entries comes in where this transaction has written the entry.
Sql import_part(const ArchivePart& part, bool replace, const std::string& quoted_schema);

/// The names of its columns.
std::vector<std::string> column_names(const ArchivePart& part);

}  // namespace stele
