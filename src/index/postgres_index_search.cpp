// How a vector index on a database is searched and listed.
#include <fmt/format.h>

#include "base/result.hpp"
#include "index/filter_sql.hpp"
#include "index/index_build.hpp"
#include "index/index_sql.hpp"
#include "index/pgvector_value.hpp"
#include "index/postgres_index_store.hpp"
#include "index/search_sql.hpp"

namespace stele {
namespace {

detail::IndexMatch match_of(const Row& row) {
    return {row.get<Uuid>(0), row.get<Json>(1), std::nullopt, row.get<Timestamp>(2)};
}

/// Stands for an answer without results.
bool is_none(const Row& row) {
    return !row.find<Uuid>(0);
}

}  // namespace

// One round trip whatever happens: without an ANN index there is one statement, with one there are two, and a
// transaction that goes on has its settings put back by two more.
Rows PostgresIndexStore::search(const SearchSql& sql, const TableFacts& found, bool exact, Deadline deadline) {
    const auto now = SearchEstimates::Clock::now();
    const std::string key = sql.key();
    const std::optional<SearchEstimate> known = estimates_->find(key, now);
    if (exact || !found.approximate() || (known && known->exact)) {
        const Statement statement = sql.found(true).slow_read();
        return run(statement, deadline);
    }
    std::vector<Rows> answers = run(around(sql, {sql.decide(known), sql.found(false)}), deadline);
    const std::size_t first = joined_ ? 1 : 0;
    SearchEstimate estimate = SearchSql::decided(answers[first][0]);
    Rows rows = std::move(answers[first + 1]);
    // it was asked and fell short: next time it is not
    if (rows.empty() || !rows[0].get<bool>(SearchSql::kApproximate)) estimate.exact = true;
    estimates_->keep(key, estimate, now);
    return rows;
}

std::vector<Statement> PostgresIndexStore::around(const SearchSql& sql, std::vector<Statement> statements) const {
    if (joined_) {
        statements.insert(statements.begin(), sql.remember_settings());
        statements.push_back(SearchSql::restore_settings());
    }
    for (Statement& statement : statements) statement.repeatable();
    return statements;
}

Rows PostgresIndexStore::search(const NearestQuery& query, Deadline deadline) {
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        const TableFacts found = facts(deadline);
        if (!found.table) return {};
        check_frame(table_.name(), found.frame, query.frame);
        try {
            Rows rows = search(SearchSql(table_, found, query), found, query.exact, deadline);
            if (rows.empty() || rows[0].get<bool>(SearchSql::kFactsHold)) return rows;
        } catch (const Error& error) {
            // vectors of another length by now, perhaps
            if (!joined_ && error.sqlstate() == "22000") check_frame(table_.name(), facts(deadline).frame, query.frame);
            throw;
        }
        forget();
    }
    keeps_changing();
}

NearestAnswer PostgresIndexStore::nearest(const NearestQuery& query, Deadline deadline) {
    NearestAnswer answer;
    for (const Row& row : search(query, deadline)) {
        if (row.get<bool>(SearchSql::kApproximate)) answer.exact = false;
        const auto score = row.get<double>(3);
        if (query.threshold && static_cast<float>(score) < *query.threshold) continue;
        NearestMatch& one = answer.matches.emplace_back(NearestMatch{match_of(row), {}});
        one.match.score = score;
        if (query.with_vectors) one.vector = decode_pgvector(row.get<std::span<const std::byte>>(4));
    }
    return answer;
}

FusedAnswer PostgresIndexStore::fused(const NearestQuery& query, Deadline deadline) {
    FusedAnswer answer;
    for (const Row& row : search(query, deadline)) {
        answer.exact = !row.get<bool>(SearchSql::kApproximate);
        if (is_none(row)) break;
        detail::HybridMatch& one = answer.matches.emplace_back();
        one.match = match_of(row);
        one.match.score = row.find<double>(3);
        one.score = row.get<double>(7);
        one.vector_place = row.find<std::int64_t>(8);
        one.text_score = row.find<double>(9);
        one.text_place = row.find<std::int64_t>(10);
    }
    return answer;
}

SearchPlan PostgresIndexStore::explain(const NearestQuery& query, Deadline deadline) {
    const TableFacts found = facts(deadline);
    SearchPlan plan;
    plan.table = table_.quoted();
    if (!found.table) return plan;
    check_frame(table_.name(), found.frame, query.frame);
    const SearchSql sql(table_, found, query);
    const bool exact = query.exact || !found.approximate();
    const Statement nearest = sql.found(exact);
    plan.sql = std::string(nearest.sql().text());
    Statement explained("EXPLAIN (ANALYZE) " + plan.sql);
    explained.parameters() = nearest.parameters();
    const std::vector<Rows> answers = run(around(sql, {sql.decide(std::nullopt), nearest, explained}), deadline);
    const std::size_t first = joined_ ? 1 : 0;
    const SearchEstimate estimate = SearchSql::decided(answers[first][0]);
    const Rows& rows = answers[first + 1];
    plan.rows = estimate.rows;
    plan.share = estimate.share;
    plan.exact = exact || estimate.exact;
    plan.breadth = plan.exact ? 0 : estimate.breadth;
    plan.found = rows.empty() || is_none(rows[0]) ? 0 : rows.size();
    const std::size_t limit = query.words == nullptr ? query.limit : query.words->limit;
    const bool approximate = !rows.empty() && rows[0].get<bool>(SearchSql::kApproximate);
    plan.completeness = approximate          ? Completeness::stopped_at_budget
                        : plan.found < limit ? Completeness::exhausted
                                             : Completeness::complete;
    for (const Row& row : answers[first + 2]) plan.lines.push_back(row.get<std::string>(0));
    return plan;
}

std::vector<std::vector<float>> PostgresIndexStore::sample(std::size_t most, Deadline deadline) {
    const TableFacts found = facts(deadline);
    if (!found.table) return {};
    // a table of millions is sorted by chance in some seconds; the vectors stay where they are
    const Statement statement =
        Statement(fmt::format("SELECT {} FROM (SELECT embedding FROM {} ORDER BY random() LIMIT $1) s",
                              stored_vector(found), table_.quoted()),
                  static_cast<std::int64_t>(most))
            .slow_read();
    std::vector<std::vector<float>> all;
    for (const Row& row : run(statement, deadline)) {
        all.push_back(decode_pgvector(row.get<std::span<const std::byte>>(0)));
    }
    return all;
}

std::vector<std::string> PostgresIndexStore::build_indexes(const IndexBuildOptions& options, bool again) {
    if (joined_) {
        raise(ErrorCode::invalid_argument,
              "indexes are built beside others, which no transaction can do: call it outside of one");
    }
    IndexBuild build(database_, table_, options);
    std::vector<std::string> built = again ? build.rebuild() : build.build();
    forget();
    estimates_->clear();
    return built;
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
