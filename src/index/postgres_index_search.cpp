// How a vector index on a database is searched and listed.
#include <fmt/format.h>

#include <algorithm>

#include "index/filter_sql.hpp"
#include "index/index_sql.hpp"
#include "index/pgvector_value.hpp"
#include "index/postgres_index_store.hpp"

namespace stele {
namespace {

detail::IndexMatch match_of(const Row& row) {
    return {row.get<Uuid>(0), row.get<Json>(1), std::nullopt, row.get<Timestamp>(2)};
}

}  // namespace

Statement PostgresIndexStore::nearest_statement(const TableFacts& found, std::span<const float> query,
                                                std::size_t limit, const Filter& filter, bool with_vectors,
                                                bool exact) const {
    Parameters parameters;
    add_vector(parameters, found, query);
    const std::string condition = filter_sql(filter.node(), "payload", parameters);
    parameters.add(static_cast<std::int64_t>(limit));
    const std::string distance = fmt::format("(embedding OPERATOR({}.<=>) {})", found.extension, vector_cast(found, 1));
    // the sum keeps an ANN index out; it is sorted again because ivfflat gives a rough order when it goes on
    return with(
        fmt::format("SELECT id, payload, created, CASE WHEN d = 'NaN' THEN 0 ELSE 1 - d END, vector FROM (SELECT "
                    "id, payload, created, {} AS d, {} AS vector FROM {} WHERE {} ORDER BY {}, created, id LIMIT "
                    "${}) n ORDER BY d, created, id",
                    distance, with_vectors ? stored_vector(found) : "NULL::bytea", table_.quoted(), condition,
                    exact && found.approximate ? distance + " + 0" : distance, parameters.slots().size()),
        parameters);
}

std::vector<NearestMatch> PostgresIndexStore::nearest(const VectorFrame& frame, std::span<const float> query,
                                                      std::size_t limit, std::optional<float> threshold,
                                                      const Filter& filter, bool with_vectors, Deadline deadline) {
    const TableFacts found = facts(deadline);
    if (!found.table) return {};
    check_frame(table_.name(), found.frame, frame);
    const auto exact = [&] {
        const Statement statement = nearest_statement(found, query, limit, filter, with_vectors, true).slow_read();
        return run(statement, deadline);
    };
    Rows rows;
    if (found.approximate && found.iterates) {
        constexpr std::size_t kLeast = 40, kMost = 1000;  // pgvector's default, and its limit
        const Statement statements[] = {Statement("SELECT set_config('hnsw.iterative_scan', 'strict_order', true), "
                                                  "set_config('ivfflat.iterative_scan', 'relaxed_order', true), "
                                                  "set_config('hnsw.ef_search', $1, true)",
                                                  std::to_string(std::clamp(2 * limit, kLeast, kMost))),
                                        nearest_statement(found, query, limit, filter, with_vectors, false)};
        rows = run(statements, deadline)[1];
        // it ends at a budget: whether there is more only a look at every row tells
        if (rows.size() < limit) rows = exact();
    } else {
        rows = exact();
    }
    std::vector<NearestMatch> all;
    for (const Row& row : rows) {
        const auto score = row.get<double>(3);
        if (threshold && static_cast<float>(score) < *threshold) continue;
        NearestMatch& one = all.emplace_back(NearestMatch{match_of(row), {}});
        one.match.score = score;
        if (with_vectors) one.vector = decode_pgvector(row.get<std::span<const std::byte>>(4));
    }
    return all;
}

std::vector<detail::IndexMatch> PostgresIndexStore::newest(std::size_t limit, const std::optional<IndexCursor>& after,
                                                           const Filter& filter, Deadline deadline) {
    const TableFacts found = facts(deadline);
    if (!found.table) return {};
    Parameters parameters;
    parameters.add(static_cast<std::int64_t>(limit));
    std::string condition = filter_sql(filter.node(), "payload", parameters);
    if (after) {
        const std::size_t next = parameters.slots().size() + 1;
        parameters.add(after->created);
        parameters.add(after->id);
        condition += fmt::format(" AND (created, id) < (${}, ${})", next, next + 1);
    }
    const Statement statement =
        with(fmt::format("SELECT id, payload, created FROM {} WHERE {} ORDER BY created DESC, id DESC LIMIT $1",
                         table_.quoted(), condition),
             parameters)
            .slow_read();
    std::vector<detail::IndexMatch> all;
    for (const Row& row : run(statement, deadline)) all.push_back(match_of(row));
    return all;
}

}  // namespace stele
