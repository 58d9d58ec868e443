#include "revisions/revision_sql.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace stele {
namespace {

std::string list(const std::vector<std::string_view>& names, std::string_view prefix = {}) {
    std::string text;
    for (const std::string_view name : names) {
        fmt::format_to(std::back_inserter(text), "{}{}{}", text.empty() ? "" : ", ", prefix, name);
    }
    return text;
}

}  // namespace

RevisionSql::RevisionSql(const RevisionTableShape& shape, const std::string& quoted_schema)
    : shape_(shape),
      schema_(quoted_schema),
      table_(fmt::format("{}.{}", quoted_schema, shape.store)),
      columns_(list(shape.columns)) {}

// The index is asked for one identifier after the other: a DISTINCT would read every revision.
std::string RevisionSql::identifiers() const {
    return fmt::format(
        "WITH RECURSIVE one AS ((SELECT identifier FROM {0} ORDER BY identifier LIMIT 1) UNION ALL SELECT (SELECT "
        "identifier FROM {0} WHERE identifier > one.identifier ORDER BY identifier LIMIT 1) FROM one WHERE "
        "one.identifier IS NOT NULL) SELECT identifier FROM one WHERE identifier IS NOT NULL",
        table_);
}

std::string RevisionSql::page() const {
    return fmt::format(
        "WITH RECURSIVE one AS ((SELECT identifier, 1 AS place FROM {0} WHERE identifier > $1 ORDER BY identifier "
        "LIMIT "
        "1) UNION ALL SELECT (SELECT identifier FROM {0} WHERE identifier > one.identifier ORDER BY identifier LIMIT "
        "1), place + 1 FROM one WHERE one.identifier IS NOT NULL AND place < $2) "
        "SELECT one.identifier, n.created, {1} FROM one CROSS JOIN LATERAL (SELECT created, {2} FROM {0} WHERE "
        "identifier = one.identifier ORDER BY created DESC LIMIT 1) n WHERE $2 > 0 ORDER BY place",
        table_, list(shape_.columns, "n."), columns_);
}

std::string RevisionSql::select(std::string_view where) const {
    return fmt::format("SELECT created, {} FROM {} WHERE identifier = $1{}", columns_, table_, where);
}

std::string RevisionSql::newest() const {
    return select(" ORDER BY created DESC LIMIT 1");
}

std::string RevisionSql::labelled() const {
    return select(fmt::format(
        " AND created = (SELECT revision FROM {}.stele_labels WHERE store = '{}' AND identifier = $1 AND label = $2)",
        schema_, shape_.store));
}

std::string RevisionSql::as_of() const {
    return select(" AND created <= $2 ORDER BY created DESC LIMIT 1");
}

std::string RevisionSql::exactly() const {
    return select(" AND created = $2");
}

// A clock that stands still or goes back must not make an older revision the newest.
std::string RevisionSql::insert(std::string_view source, bool extra, std::string_view append_unchanged) const {
    const std::string more = extra ? fmt::format(", {}", shape_.extra_column) : "";
    const std::string v_more = extra ? fmt::format(", v.{}", shape_.extra_column) : "";
    return fmt::format(
        "INSERT INTO {0} (identifier, created, {1}{2}) SELECT $1, greatest(clock_timestamp(), n.created + interval '1 "
        "us'), {3}{4} FROM ({5}) v LEFT JOIN LATERAL (SELECT created, {1} FROM {0} WHERE identifier = $1 ORDER BY "
        "created DESC LIMIT 1) n ON true WHERE {6} OR n.created IS NULL OR ROW({3}) IS DISTINCT FROM ROW({7}) "
        "RETURNING identifier, created",
        table_, columns_, more, list(shape_.columns, "v."), v_more, source, append_unchanged,
        list(shape_.columns, "n."));
}

std::string RevisionSql::noted(std::string_view insert, std::string_view author, std::string_view message) const {
    return fmt::format(
        "WITH added AS ({}), noted AS (INSERT INTO {}.stele_revision_notes (store, identifier, created, author, "
        "message) SELECT '{}', identifier, created, {}, {} FROM added WHERE {} IS NOT NULL OR {} IS NOT NULL) SELECT "
        "identifier, created FROM added",
        insert, schema_, shape_.store, author, message, author, message);
}

std::string RevisionSql::define(bool extra, bool with_note) const {
    std::string source = "SELECT ";
    std::size_t parameter = 2;
    for (const std::string_view column : shape_.columns) {
        fmt::format_to(std::back_inserter(source), "{}${} AS {}", parameter == 2 ? "" : ", ", parameter, column);
        ++parameter;
    }
    if (extra) fmt::format_to(std::back_inserter(source), ", ${} AS {}", parameter++, shape_.extra_column);
    std::string added = insert(source, extra, fmt::format("${}", parameter));
    if (!with_note) return added;
    return noted(added, fmt::format("${}::text", parameter + 1), fmt::format("${}::text", parameter + 2));
}

std::string RevisionSql::restore(bool extra) const {
    const std::string source = fmt::format("SELECT {}{} FROM {} WHERE identifier = $1 AND created = $2", columns_,
                                           extra ? fmt::format(", {}", shape_.extra_column) : "", table_);
    return noted(insert(source, extra, "$3"), "$4::text", "$5::text");
}

std::string RevisionSql::remove() const {
    return fmt::format("DELETE FROM {} WHERE identifier = $1", table_);
}

std::string RevisionSql::history() const {
    return fmt::format(
        "SELECT t.created, n.author, n.message, ARRAY(SELECT label FROM {1}.stele_labels l WHERE l.store = '{2}' AND "
        "l.identifier = $1 AND l.revision = t.created ORDER BY label COLLATE \"C\") FROM {0} t LEFT JOIN "
        "{1}.stele_revision_notes n ON n.store = '{2}' AND n.identifier = $1 AND n.created = t.created WHERE "
        "t.identifier = $1 AND ($2::timestamptz IS NULL OR t.created < $2) ORDER BY t.created DESC LIMIT $3",
        table_, schema_, shape_.store);
}

std::string RevisionSql::prune(bool removes) const {
    const std::string old = fmt::format(
        "SELECT t.identifier, t.created, EXISTS (SELECT FROM {1}.stele_labels l WHERE l.store = '{2}' AND l.identifier "
        "= t.identifier AND l.revision = t.created) AS labelled FROM (SELECT identifier, created, row_number() OVER "
        "(PARTITION BY identifier ORDER BY created DESC) AS place FROM {0} WHERE $1::text IS NULL OR identifier = $1) "
        "t WHERE t.place > $2 AND ($3::timestamptz IS NULL OR t.created < $3)",
        table_, schema_, shape_.store);
    constexpr std::string_view kOrder = "ORDER BY identifier COLLATE \"C\", created";
    if (!removes) return fmt::format("{} {}", old, kOrder);
    return fmt::format(
        "WITH old AS ({}), gone AS (DELETE FROM {} t USING old WHERE NOT old.labelled AND t.identifier = "
        "old.identifier AND t.created = old.created RETURNING t.identifier, t.created) SELECT * FROM (SELECT "
        "identifier, "
        "created, false AS labelled FROM gone UNION ALL SELECT identifier, created, true FROM old WHERE labelled) u {}",
        old, table_, kOrder);
}

}  // namespace stele
