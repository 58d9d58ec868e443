#include "index/index_insert.hpp"

#include <fmt/format.h>

#include <chrono>

#include "index/index_sql.hpp"
#include "index/pgvector_value.hpp"

namespace stele {
namespace {

template <class Text>
std::vector<std::string> texts(RowPointers rows, Text text) {
    std::vector<std::string> all;
    all.reserve(rows.size());
    for (const IndexRow* row : rows) all.push_back(text(*row));
    return all;
}

// empty: none, which no key and no digest is
std::vector<std::string> keys(RowPointers rows) {
    return texts(rows, [](const IndexRow& row) { return row.key.value_or(""); });
}
std::vector<std::string> digests(RowPointers rows) {
    return texts(rows, [](const IndexRow& row) { return row.digest.value_or(""); });
}
std::vector<std::string> payloads(RowPointers rows) {
    return texts(rows, [](const IndexRow& row) { return row.payload.text(); });
}

Bytes vectors(const TableFacts& facts, RowPointers rows) {
    std::vector<std::vector<float>> scaled;
    std::vector<std::span<const float>> all;
    all.reserve(rows.size());
    scaled.reserve(rows.size());
    for (const IndexRow* row : rows) all.push_back(storable(facts, row->vector, scaled.emplace_back()));
    return encode_pgvectors(all, facts.vector_type);
}

}  // namespace

Statement known_statement(const TableFacts& facts, const std::string& table, RowPointers rows) {
    Statement statement(
        fmt::format("SELECT r.n - 1, t.id, t.payload = r.p::jsonb, CASE WHEN t.payload = r.p::jsonb THEN NULL ELSE {} "
                    "END, coalesce(t.meta -> 'truncated' = 'true', false) FROM unnest($1::text[], $2::text[], "
                    "$3::text[]) WITH ORDINALITY r(k, d, p, n) JOIN {} t ON t.stele_key = r.k AND t.stele_digest = r.d",
                    stored_vector(facts), table),
        keys(rows), digests(rows), payloads(rows));
    return std::move(statement).slow_read();
}

Statement insert_statement(const TableFacts& facts, const IndexTable& table, RowPointers rows,
                           std::span<const Uuid> ids, const std::vector<std::int64_t>& numbers) {
    const bool keyed = rows.front()->key.has_value();  // one with a key asks for the right to update, too
    Parameters parameters;
    parameters.add(std::vector<Uuid>(ids.begin(), ids.end()));
    parameters.add_binary(vectors(facts, rows));
    parameters.add(payloads(rows));
    parameters.add(texts(rows, [](const IndexRow& row) { return row.meta.text(); }));
    parameters.add(numbers);
    if (keyed) {
        parameters.add(keys(rows));
        parameters.add(digests(rows));
    }
    parameters.add(facts.stamp);
    // unnest() in the list of columns gives row by row; in FROM it would first write all of them down
    return with(fmt::format("INSERT INTO {} (id, embedding, payload, meta, created{}) SELECT r.id, r.v{}, r.p::jsonb, "
                            "r.m::jsonb, statement_timestamp() + r.n * interval '1 microsecond'{} FROM (SELECT "
                            "unnest($1::uuid[]) AS id, unnest($2::{}.vector[]) AS v, unnest($3::text[]) AS p, "
                            "unnest($4::text[]) AS m, unnest($5::int8[]) AS n{}) r WHERE {} = ${}{}",
                            table.quoted(), keyed ? ", stele_key, stele_digest" : "",
                            facts.half ? fmt::format("::{}.halfvec", facts.extension) : "",
                            keyed ? ", nullif(r.k, ''), nullif(r.d, '')" : "", facts.extension,
                            keyed ? ", unnest($6::text[]) AS k, unnest($7::text[]) AS d" : "", table.stamp_sql(),
                            parameters.slots().size(),
                            keyed ? " ON CONFLICT (stele_key) DO UPDATE SET embedding = EXCLUDED.embedding, payload = "
                                    "EXCLUDED.payload, meta = EXCLUDED.meta, stele_digest = EXCLUDED.stele_digest "
                                    "RETURNING stele_key, id"
                                  : ""),
                parameters);
}

std::vector<Uuid> copy_rows(CopyPlace place, const TableFacts& facts, const IndexTable& table, RowPointers rows,
                            Timestamp begun, Deadline deadline) {
    CopyIn copy(
        std::move(place),
        Sql(fmt::format("COPY {} (id, embedding, payload, meta, created) FROM STDIN (FORMAT binary)", table.quoted())),
        deadline);
    std::vector<Uuid> ids;
    ids.reserve(rows.size());
    std::vector<float> scaled;
    for (const IndexRow* row : rows) {
        const Timestamp created = begun + std::chrono::microseconds(ids.size());
        ids.push_back(Uuid::v7());
        copy.add(ids.back(), encode_pgvector(storable(facts, row->vector, scaled)), row->payload, row->meta, created);
    }
    copy.finish();
    return ids;
}

}  // namespace stele
