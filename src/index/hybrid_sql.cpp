// The statement of a hybrid search: the candidates of both halves, numbered, joined and fused.
#include <fmt/format.h>

#include "index/index_sql.hpp"
#include "index/search_sql.hpp"

namespace stele {
namespace {

constexpr float kNoThreshold = -2;  // below every cosine, however it was rounded

/// What stands for parameters, in the order in which they are added.
class Numbered {
public:
    explicit Numbered(Parameters& parameters) : parameters_(parameters) {}
    template <class Value>
    std::string add(const Value& value, const char* type) {
        parameters_.add(value);
        return fmt::format("${}::{}", parameters_.slots().size(), type);
    }

private:
    Parameters& parameters_;
};

}  // namespace

Statement SearchSql::fused(bool exact) const {
    const WordsQuery& half = *query_.words;
    Parameters parameters;
    add_query(parameters, query_.vector);
    // the condition stands in both halves, with the same parameters
    const std::string where = condition(parameters);
    parameters.add(half.words);
    const std::string wanted = table_.wanted_words_sql(parameters.slots().size());
    Numbered numbered(parameters);
    const std::string candidates = numbered.add(static_cast<std::int64_t>(query_.limit), "int8");
    const std::string threshold = numbered.add(query_.threshold.value_or(kNoThreshold), "float4");
    const std::string k = numbered.add(half.k, "float8");
    const std::string by_meaning = numbered.add(half.vector_weight, "float8");
    const std::string by_words = numbered.add(half.text_weight, "float8");
    const std::string limit = numbered.add(static_cast<std::int64_t>(half.limit), "int8");
    const std::string stamp = numbered.add(facts_.stamp, "text");
    const Chosen way = chosen(where, exact, candidates);
    const std::string words = table_.words_sql();
    const std::string meaning = fmt::format(
        "n AS MATERIALIZED (SELECT id, payload, created, d, {} AS score, found FROM ({}) w), v AS MATERIALIZED (SELECT "
        "id, payload, created, score, row_number() OVER (ORDER BY d, created, id) AS place FROM n WHERE score::float4 "
        ">= {})",
        kScore, way.from, threshold);
    const std::string text = fmt::format(
        "t AS MATERIALIZED (SELECT id, payload, created, score, row_number() OVER (ORDER BY score DESC, created, id) "
        "AS place FROM (SELECT id, payload, created, ts_rank({}, q.q)::float8 AS score FROM {}, {} AS q(q) WHERE {} "
        "AND "
        "{} @@ q.q ORDER BY score DESC, created, id LIMIT {}) r)",
        words, table_.quoted(), wanted, where, words, candidates);
    const std::string fusion = fmt::format(
        "f AS MATERIALIZED (SELECT coalesce(v.id, t.id) AS id, coalesce(v.payload, t.payload) AS payload, "
        "coalesce(v.created, t.created) AS created, v.score AS cosine, v.place AS by_meaning, t.score AS text_score, "
        "t.place AS by_words, coalesce({} / ({} + v.place), 0) + coalesce({} / ({} + t.place), 0) AS fused FROM v FULL "
        "JOIN t ON t.id = v.id ORDER BY fused DESC, created, id LIMIT {})",
        by_meaning, k, by_words, k, limit);
    return with(fmt::format("WITH {}{}, {}, {} SELECT f.id, f.payload, f.created, f.cosine, NULL::bytea, {} = {}, "
                            "coalesce((SELECT bool_or(found) FROM n), false), f.fused, f.by_meaning, f.text_score, "
                            "f.by_words FROM (SELECT) o LEFT JOIN f ON true ORDER BY f.fused DESC, f.created, f.id",
                            way.with.empty() ? "" : way.with + ", ", meaning, text, fusion, table_.stamp_sql(), stamp),
                parameters);
}

}  // namespace stele
