#include "cache/archive_parts.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "cache/cache_sql.hpp"

namespace stele {
namespace {

struct Column {
    std::string name, type;
};

std::vector<Column> columns_of(const ArchivePart& part) {
    std::vector<Column> columns;
    std::string_view rest = part.columns;
    while (!rest.empty()) {
        const std::string_view one = rest.substr(0, rest.find(','));
        rest.remove_prefix(std::min(rest.size(), one.size() + 1));
        const std::string_view named = one.substr(one.find_first_not_of(' '));
        const std::size_t blank = named.find(' ');
        columns.push_back({std::string(named.substr(0, blank)), std::string(named.substr(blank + 1))});
    }
    return columns;
}

template <class Format>
std::string each(const ArchivePart& part, Format format) {
    std::vector<std::string> texts;
    for (const Column& column : columns_of(part)) texts.push_back(format(column));
    return fmt::format("{}", fmt::join(texts, ", "));
}

std::string name_of(const Column& column) {
    return column.name;
}

std::string source_of(const ArchivePart& part) {
    if (part.beside.empty()) return fmt::format("@{}", part.table);
    return fmt::format(
        "(SELECT e.query_hash, t.* FROM @{} t JOIN @entries e ON e.id = t.entry_id AND e.namespace = t.namespace) t",
        part.table);
}

// An entry that was there before and stays has its own.
Sql import_beside(const ArchivePart& part, const std::string& quoted_schema) {
    const std::string types =
        each(part, [](const Column& column) { return fmt::format("{} {}", column.name, column.type); });
    std::string names;
    for (const std::string& name : column_names(part)) {
        if (name != "query_hash") names += (names.empty() ? "" : ", ") + name;
    }
    return cache_sql(fmt::format("WITH given AS (SELECT e.id AS entry_id, {0} FROM json_to_recordset($1::text::json)"
                                 " AS r({1}) JOIN @entries e USING (namespace, query_hash)"
                                 " WHERE e.xmin = pg_current_xact_id()::xid),"
                                 " marked AS (UPDATE @entries e SET stele_depends = {2}"
                                 " FROM (SELECT DISTINCT entry_id FROM given) g WHERE e.id = g.entry_id)"
                                 " INSERT INTO @{3} (entry_id, {0}) SELECT entry_id, {0} FROM given"
                                 " ON CONFLICT ({4}) DO NOTHING",
                                 names, types, part.beside, part.table, part.key),
                     quoted_schema);
}

}  // namespace

std::vector<std::string> column_names(const ArchivePart& part) {
    std::vector<std::string> names;
    for (Column& column : columns_of(part)) names.push_back(std::move(column.name));
    return names;
}

Sql count_part(const ArchivePart& part, const std::string& quoted_schema) {
    return cache_sql(fmt::format("SELECT count(*) FROM {}", source_of(part)), quoted_schema);
}

Sql export_part(const ArchivePart& part, const std::string& quoted_schema) {
    const std::string values = each(part, [](const Column& column) {
        return column.type == "bytea" ? fmt::format("translate(encode({0}, 'base64'), E'\\n', '') AS {0}", column.name)
                                      : column.name;
    });
    return cache_sql(fmt::format("SELECT row_to_json(r)::text FROM (SELECT {} FROM {} ORDER BY {}) r", values,
                                 source_of(part), part.order),
                     quoted_schema);
}

Sql import_part(const ArchivePart& part, bool replace, const std::string& quoted_schema) {
    if (!part.beside.empty()) return import_beside(part, quoted_schema);
    const std::string types = each(part, [](const Column& column) {
        return fmt::format("{} {}", column.name, column.type == "bytea" ? "text" : column.type);
    });
    const std::string values = each(part, [](const Column& column) {
        return column.type == "bytea" ? fmt::format("decode(r.{}, 'base64')", column.name) : "r." + column.name;
    });
    const std::string set =
        each(part, [](const Column& column) { return fmt::format("{0} = EXCLUDED.{0}", column.name); });
    return cache_sql(fmt::format("INSERT INTO @{} ({}) SELECT {} FROM json_to_recordset($1::text::json) AS r({})"
                                 " ON CONFLICT ({}) DO {}",
                                 part.table, each(part, name_of), values, types, part.key,
                                 replace ? "UPDATE SET " + set : "NOTHING"),
                     quoted_schema);
}

}  // namespace stele
