#include "index/search_sql.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "index/filter_sql.hpp"
#include "index/index_sql.hpp"
#include "postgres/identifier.hpp"

namespace stele {
namespace {

// Microseconds, as measured (docs/vector-index.md): what decides is their proportion.
constexpr double kRow = 2.7;      // to fetch a vector and compare it
constexpr double kFilter = 0.8;   // to look at a row that a filter leaves out
constexpr double kStart = 1000;   // to go down the graph
constexpr double kVisit = 20;     // a candidate of the graph
constexpr int kSamplePages = 64;  // a thousand rows or two
// How many candidates of the graph are looked at: some for any search, and some for each row that the filter lets pass
// only one of. With fewer, one result in a hundred is missed.
constexpr int kBreadth = 100;
constexpr double kBreadthEach = 2;
constexpr int kMostBreadth = 1000;  // pgvector's limit

}  // namespace

SearchSql::SearchSql(const IndexTable& table, const TableFacts& facts, const NearestQuery& query)
    : table_(table), facts_(facts), query_(query) {}

std::string SearchSql::key() const {
    Parameters parameters;
    std::string key = filter_sql(query_.filter.node(), "payload", parameters);
    return fmt::format("{} {} ", query_.limit, key) + parameters.bytes();
}

std::vector<std::string> SearchSql::settings() const {
    // enable_sort: so that the planner takes the index when it is told to. jit: compiling takes longer than any search
    std::vector<std::string> all = {"enable_sort", "jit", "hnsw.ef_search", "ivfflat.probes"};
    if (facts_.iterates) {
        all.insert(all.end(), {"hnsw.iterative_scan", "hnsw.max_scan_tuples", "ivfflat.iterative_scan"});
    }
    return all;
}

Statement SearchSql::decide(const std::optional<SearchEstimate>& known) const {
    Parameters parameters;
    const std::string condition = filter_sql(query_.filter.node(), "payload", parameters);
    const bool narrowed =
        narrows(query_.filter.node(), [&](const auto& path) { return table_.has_index(facts_, path); });
    std::string source;
    if (known) {
        parameters = {};
        parameters.add(known->share);
        parameters.add(known->rows);
        source = "SELECT $1 AS share, $2 AS rows";
    } else {
        const std::string part =
            fmt::format("least(1, {}.0 * current_setting('block_size')::float8 / greatest(1, pg_relation_size({})))",
                        kSamplePages, quote_literal(table_.quoted()));
        source = fmt::format(
            "SELECT (s.hits + 0.5::float8) / (s.seen + 1) AS share, s.seen / s.part AS rows FROM (SELECT count(*) AS "
            "seen, count(*) FILTER (WHERE {}) AS hits, {} AS part FROM {} TABLESAMPLE SYSTEM (100 * {})) s",
            condition, part, table_.quoted(), part);
    }
    parameters.add(static_cast<double>(query_.limit));
    const std::size_t limit = parameters.slots().size();
    std::string set;
    if (facts_.approximate()) {
        set =
            ", set_config('stele.search_exact', d.exact::text, true), set_config('enable_sort', 'off', true), "
            "set_config('jit', 'off', true), set_config('hnsw.ef_search', d.breadth::text, true), "
            "set_config('ivfflat.probes', d.probes::text, true)";
        if (facts_.iterates) {
            set +=
                ", set_config('hnsw.iterative_scan', 'relaxed_order', true), set_config('hnsw.max_scan_tuples', "
                "d.budget::text, true), set_config('ivfflat.iterative_scan', 'relaxed_order', true)";
        }
    }
    const bool everything = query_.filter.is_everything();
    const std::string beyond = facts_.iterates ? std::string() : fmt::format(" OR e.visits > {}", kMostBreadth);
    return with(
        fmt::format("SELECT d.rows, d.share, d.exact, d.breadth{} FROM (SELECT e.rows, e.share, e.rows * ({} + e.share "
                    "* {}) <= {} + e.visits * {}{} AS exact, least({}, ceil(e.visits))::int AS breadth, "
                    "least(2000000000, greatest(20000, 4 * e.visits))::int AS budget, {} AS probes FROM (SELECT "
                    "e.rows, e.share, {} + {} * ${} / e.share AS visits FROM ({}) e) e) d",
                    set, narrowed || everything ? 0 : kFilter, kRow, kStart, kVisit, beyond, kMostBreadth,
                    std::max(1, facts_.lists / 5), kBreadth, kBreadthEach, limit, source),
        parameters);
}

SearchEstimate SearchSql::decided(const Row& row) {
    return {row.get<double>(0), row.get<double>(1), row.get<bool>(2), row.get<std::int32_t>(3)};
}

std::string SearchSql::candidates(const std::string& condition, bool exact, const std::string& limit) const {
    // the sum keeps an ANN index out
    return fmt::format(
        "SELECT id, payload, created, embedding, (embedding OPERATOR({}.<=>) {}){} AS d FROM {} WHERE {} ORDER BY d{} "
        "LIMIT {}",
        facts_.extension, vector_cast(facts_, 1), exact ? " + 0" : "", table_.quoted(), condition,
        exact ? ", created, id" : "", limit);
}

Statement SearchSql::nearest(bool exact) const {
    Parameters parameters;
    add_vector(parameters, facts_, query_.vector);
    const std::string condition = filter_sql(query_.filter.node(), "payload", parameters);
    parameters.add(static_cast<std::int64_t>(query_.limit));
    const std::string limit = fmt::format("${}", parameters.slots().size());
    const std::string columns =
        fmt::format("SELECT id, payload, created, CASE WHEN d = 'NaN' THEN 0 ELSE 1 - d END, {}",
                    query_.with_vectors ? stored_vector(facts_) : "NULL::bytea");
    const std::string every_row = candidates(condition, true, limit);
    if (exact) {
        return with(fmt::format("{}, false FROM ({}) n ORDER BY d, created, id", columns, every_row), parameters);
    }
    // Either side is entered only if its condition holds, which depends on no row. The index gives a rough order when
    // it goes on, so it is asked for more than are wanted, and they are sorted again.
    return with(
        fmt::format("WITH a AS MATERIALIZED (SELECT * FROM ({}) i WHERE NOT "
                    "current_setting('stele.search_exact')::bool ORDER BY d, created, id LIMIT {}), c AS MATERIALIZED "
                    "(SELECT count(*) >= {} AS enough FROM a) {}, found FROM (SELECT *, true AS found FROM a WHERE "
                    "(SELECT enough FROM c) UNION ALL SELECT *, false FROM ({}) e WHERE NOT (SELECT enough FROM c)) n "
                    "ORDER BY d, created, id",
                    candidates(condition, false, limit + " * 2"), limit, limit, columns, every_row),
        parameters);
}

Statement SearchSql::remember_settings() const {
    return Statement(
        "SELECT set_config('stele.search_before', json_object_agg(name, current_setting(name, true))::text, true) FROM "
        "unnest($1) AS name",
        settings());
}

Statement SearchSql::restore_settings() {
    return Statement(
        "SELECT set_config(s.key, s.value, true) FROM json_each_text(current_setting('stele.search_before')::json) s "
        "WHERE s.value IS NOT NULL");
}

}  // namespace stele
