#include "index/search_sql.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/hash.hpp"
#include "index/filter_sql.hpp"
#include "index/index_sql.hpp"
#include "index/member_index.hpp"
#include "postgres/identifier.hpp"

namespace stele {
namespace {

// Microseconds, of which only the proportion decides; docs/vector-index.md tells how they were measured, on a busy
// machine.
constexpr double kRow = 2.5;     // to fetch a vector and compare it
constexpr double kFilter = 0.3;  // to look at a row that the filter leaves out
constexpr double kStart = 1700;  // to go down the graph
constexpr double kVisit = 15;    // a candidate of the graph
// A sample: so many rows, where the server knows how many a page has; in so few pages at least, and at most.
constexpr int kSampleRows = 1000, kSamplePages = 64, kMostSamplePages = 512;

// How many candidates of the graph are looked at: some for any search, more for many results and for a filter that
// leaves one of many. With fewer, more than one in a hundred of the nearest is missed.
constexpr int kBreadth = 195;
constexpr double kBreadthOfReach = 0.5;
constexpr double kBreadthOfReachAtOnce = 2;  // where a scan cannot go on
constexpr int kMostBreadth = 1000;           // pgvector's limit
// Beyond so many candidates, hence beyond the theme of a query, a graph of the usual size misses one in ten, however
// broad the scan is. Then every row is looked at, unless that is so much dearer.
constexpr int kReach = 60;
constexpr int kDearer = 8;

}  // namespace

SearchSql::SearchSql(const IndexTable& table, const TableFacts& facts, const NearestQuery& query)
    : table_(table), facts_(facts), query_(query) {}

std::string SearchSql::key() const {
    Parameters parameters;
    std::string key = filter_sql(query_.filter.node(), "payload", parameters);
    return sha256_hex(fmt::format("{} {} ", query_.limit, key) + parameters.bytes());
}

std::string SearchSql::condition(Parameters& parameters) const {
    return filter_sql(query_.filter.node(), "payload", parameters,
                      [&](const auto& path) { return table_.has_index(facts_, path); });
}

std::vector<std::string> SearchSql::settings() const {
    // enable_sort: so that the planner takes the index when it is told to. jit: compiling takes longer than any search.
    // plan_cache_mode: see decide()
    std::vector<std::string> all = {"enable_sort", "jit", "plan_cache_mode", "hnsw.ef_search", "ivfflat.probes"};
    if (facts_.iterates) {
        all.insert(all.end(), {"hnsw.iterative_scan", "hnsw.max_scan_tuples", "ivfflat.iterative_scan"});
    }
    return all;
}

Statement SearchSql::decide(const std::optional<SearchEstimate>& known) const {
    Parameters parameters;
    const std::string where = condition(parameters);
    const bool narrowed =
        narrows(query_.filter.node(), [&](const auto& path) { return table_.has_index(facts_, path); });
    std::string source;
    if (known) {
        parameters = {};
        parameters.add(known->share);
        parameters.add(known->rows);
        source = "SELECT $1 AS share, $2 AS rows";
    } else {
        const std::string table = quote_literal(table_.quoted());
        const std::string page =
            fmt::format("current_setting('block_size')::float8 / greatest(1, pg_relation_size({}))", table);
        const std::string part = fmt::format(
            "least(1, {} * {}, greatest({} * {}, (SELECT {} / c.reltuples FROM pg_class c WHERE c.oid = "
            "to_regclass({}) "
            "AND c.reltuples > 0)))",
            kMostSamplePages, page, kSamplePages, page, kSampleRows, table);
        source = fmt::format(
            "SELECT (s.hits + 0.5::float8) / (s.seen + 1) AS share, s.seen / s.part AS rows FROM (SELECT count(*) AS "
            "seen, count(*) FILTER (WHERE {}) AS hits, {} AS part FROM {} TABLESAMPLE SYSTEM (100 * {})) s",
            where, part, table_.quoted(), part);
    }
    parameters.add(static_cast<double>(query_.limit));
    const std::size_t limit = parameters.slots().size();
    std::string set;
    if (facts_.approximate()) {
        set =
            ", set_config('stele.search_exact', d.exact::text, true), set_config('enable_sort', 'off', true), "
            "set_config('jit', 'off', true), set_config('hnsw.ef_search', d.breadth::text, true), "
            "set_config('ivfflat.probes', d.probes::text, true), set_config('plan_cache_mode', '";
        // The index is asked in one way, whatever the values. To look at every row one must see them.
        set += known ? "force_generic_plan', true)" : "force_custom_plan', true)";
        if (facts_.iterates) {
            set +=
                ", set_config('hnsw.iterative_scan', 'relaxed_order', true), set_config('hnsw.max_scan_tuples', "
                "d.budget::text, true), set_config('ivfflat.iterative_scan', 'relaxed_order', true)";
        }
    }
    const int probes = std::max(1, facts_.lists / 5);
    const std::string index_cost = facts_.hnsw
                                       ? fmt::format("{} * (e.breadth + e.reach)", kVisit)
                                       : fmt::format("e.rows * {} * {} / {}", kRow, probes, std::max(1, facts_.lists));
    const std::string beyond = facts_.iterates ? std::string() : fmt::format(" OR e.breadth > {}", kMostBreadth);
    const double row_cost = narrowed || query_.filter.is_everything() ? 0 : kFilter;
    return with(
        fmt::format(
            "SELECT d.rows, d.share, d.exact, d.breadth{} FROM (SELECT e.rows, e.share, e.rows * ({} + e.share * {}) "
            "<= ({} + {}) * CASE WHEN e.reach > {} THEN {} ELSE 1 END{} AS exact, ceil(least({}, e.breadth))::int AS "
            "breadth, ceil(least(2000000000, greatest(20000, 10 * e.reach)))::int AS budget, {} AS probes FROM (SELECT "
            "e.*, {} + e.wanted + {} * e.reach AS breadth FROM (SELECT e.rows, e.share, ${} AS wanted, ${} / e.share "
            "AS reach FROM ({}) e) e) e) d",
            set, row_cost, kRow, kStart, index_cost, kReach, kDearer, beyond, kMostBreadth, probes, kBreadth,
            facts_.iterates ? kBreadthOfReach : kBreadthOfReachAtOnce, limit, limit, source),
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

SearchSql::Chosen SearchSql::chosen(const std::string& condition, bool exact, const std::string& limit) const {
    const std::string every_row = candidates(condition, true, limit);
    if (exact) return {"", fmt::format("SELECT *, false AS found FROM ({}) e", every_row)};
    // Either side is entered only if its condition holds, which depends on no row.
    return {fmt::format("a AS MATERIALIZED (SELECT * FROM ({}) i WHERE NOT "
                        "current_setting('stele.search_exact')::bool), c AS MATERIALIZED (SELECT count(*) >= {} AS "
                        "enough FROM a)",
                        candidates(condition, false, limit), limit),
            fmt::format("SELECT *, true AS found FROM a WHERE (SELECT enough FROM c) UNION ALL SELECT *, false FROM "
                        "({}) e WHERE NOT (SELECT enough FROM c)",
                        every_row)};
}

Statement SearchSql::nearest(bool exact) const {
    Parameters parameters;
    add_query(parameters, query_.vector);
    const std::string where = condition(parameters);
    parameters.add(static_cast<std::int64_t>(query_.limit));
    const std::string limit = fmt::format("${}", parameters.slots().size());
    parameters.add(facts_.stamp);
    const Chosen way = chosen(where, exact, limit);
    // What the index gives is sorted again: its order is rough when it goes on.
    return with(
        fmt::format("{}SELECT id, payload, created, {}, {}, {} = ${}, found FROM ({}) n ORDER BY d, created, id",
                    way.with.empty() ? "" : "WITH " + way.with + " ", kScore,
                    query_.with_vectors ? stored_vector(facts_) : "NULL::bytea", table_.stamp_sql(),
                    parameters.slots().size(), way.from),
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
