#include "revisions/postgres_labels.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/result.hpp"

namespace stele {
inline namespace v0 {
namespace {

// In the order of their keys, so that two calls never wait for each other. -infinity is no revision: a trigger says so.
std::string move_sql(const std::string& schema) {
    return fmt::format(
        "INSERT INTO {0}.stele_labels AS l (store, identifier, label, revision, author, message) SELECT g.store, "
        "g.identifier, g.label, coalesce(nullif(g.revision, '')::timestamptz, CASE g.store WHEN 'configurations' THEN "
        "(SELECT created FROM {0}.configurations WHERE identifier = g.identifier ORDER BY created DESC LIMIT 1) ELSE "
        "(SELECT created FROM {0}.templates WHERE identifier = g.identifier ORDER BY created DESC LIMIT 1) END, "
        "'-infinity'), $5, $6 FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS g (store, identifier, "
        "label, revision) ORDER BY 1, 2, 3 ON CONFLICT (store, identifier, label) DO UPDATE SET revision = "
        "EXCLUDED.revision, author = EXCLUDED.author, message = EXCLUDED.message WHERE l.revision IS DISTINCT FROM "
        "EXCLUDED.revision",
        schema);
}

std::string remove_sql(const std::string& schema) {
    return fmt::format(
        "WITH wanted AS MATERIALIZED (SELECT l.store, l.identifier, l.label FROM {0}.stele_labels l JOIN "
        "unnest($1::text[], $2::text[], $3::text[]) AS g (store, identifier, label) USING (store, identifier, label) "
        "WHERE l.revision IS NOT NULL ORDER BY 1, 2, 3 FOR UPDATE OF l) UPDATE {0}.stele_labels l SET revision = NULL, "
        "author = $4, message = $5 FROM wanted w WHERE l.store = w.store AND l.identifier = w.identifier AND l.label = "
        "w.label AND l.revision IS NOT NULL",
        schema);
}

std::string select_sql(const std::string& schema, std::string_view table, std::string_view rest) {
    return fmt::format(
        "SELECT store, identifier, label, revision, author, message, moved FROM {}.{} WHERE ($1::text IS NULL OR store "
        "= $1) AND ($2::text IS NULL OR identifier = $2) AND ($3::text IS NULL OR label = $3){}",
        schema, table, rest);
}

LabelStore store_of(const std::string& name) {
    return name == stele::to_string(LabelStore::templates) ? LabelStore::templates : LabelStore::configurations;
}

/// The columns that unnest() takes.
struct Columns {
    std::vector<std::string> stores, identifiers, labels;
    template <class Named>
    void add(const Named& label) {
        stores.emplace_back(stele::to_string(label.store));
        identifiers.push_back(label.identifier);
        labels.push_back(label.label);
    }
};

std::vector<Label> labels(const Rows& rows) {
    std::vector<Label> all;
    for (const Row& row : rows) {
        all.push_back({store_of(row.get<std::string>(0)), row.get<std::string>(1), row.get<std::string>(2),
                       row.find<Timestamp>(3), row.find<std::string>(4), row.find<std::string>(5),
                       row.get<Timestamp>(6)});
    }
    return all;
}

std::optional<std::string> store_name(const std::optional<LabelStore>& store) {
    return store ? std::optional(std::string(stele::to_string(*store))) : std::nullopt;
}

}  // namespace

Labels::Impl::OnTables::OnTables(const std::string& quoted_schema)
    : move_(move_sql(quoted_schema)),
      remove_(remove_sql(quoted_schema)),
      list_(select_sql(quoted_schema, "stele_labels",
                       " AND revision IS NOT NULL ORDER BY store, identifier COLLATE \"C\", label COLLATE \"C\"")),
      history_(
          select_sql(quoted_schema, "stele_label_moves", " ORDER BY moved DESC, store, identifier, label LIMIT $4")) {}

void Labels::Impl::OnTables::move(std::span<const LabelMove> moves, const RevisionNote& note, Deadline deadline) {
    Columns columns;
    std::vector<std::string> revisions;
    for (const LabelMove& move : moves) {
        columns.add(move);
        revisions.push_back(move.revision ? to_iso8601(*move.revision) : "");
    }
    try {
        executor().execute(
            Statement(move_, columns.stores, columns.identifiers, columns.labels, revisions, note.author, note.message),
            deadline);
    } catch (const Error& error) {
        constexpr std::string_view kNoRevision = "23503";
        if (error.sqlstate() != kNoRevision) throw;
        ErrorInfo info = error.info();
        info.code = ErrorCode::not_found;
        info.message = "no label was moved";
        raise(std::move(info));
    }
}

std::size_t Labels::Impl::OnTables::remove(std::span<const LabelName> wanted, const RevisionNote& note,
                                           Deadline deadline) {
    Columns columns;
    for (const LabelName& label : wanted) columns.add(label);
    return executor().execute(
        Statement(remove_, columns.stores, columns.identifiers, columns.labels, note.author, note.message), deadline);
}

std::vector<Label> Labels::Impl::OnTables::list(const LabelFilter& filter, Deadline deadline) {
    return labels(executor().query(
        Statement(list_, store_name(filter.store), filter.identifier, filter.label).slow_read(), deadline));
}

std::vector<Label> Labels::Impl::OnTables::history(const LabelFilter& filter, std::size_t limit, Deadline deadline) {
    constexpr std::size_t kMost = std::numeric_limits<std::int32_t>::max();
    return labels(executor().query(Statement(history_, store_name(filter.store), filter.identifier, filter.label,
                                             static_cast<std::int64_t>(std::min(limit, kMost)))
                                       .slow_read(),
                                   deadline));
}

}  // namespace v0
}  // namespace stele
