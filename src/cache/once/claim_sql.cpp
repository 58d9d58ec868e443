#include "cache/once/claim_sql.hpp"

#include "cache/cache_sql.hpp"

namespace stele {

ClaimSql::ClaimSql(const std::string& quoted_schema)
    : take(std::string()), state(std::string()), renew(std::string()), release(std::string()), forget(std::string()) {
    const auto sql = [&quoted_schema](std::string_view text) { return cache_sql(text, quoted_schema); };
    // Who looks again and again while another computes locks and writes nothing: the first conditions see to that, the
    // last one decides.
    take =
        sql("INSERT INTO @stele_computations AS c (namespace, query_hash, token, lease_end)"
            " SELECT $1, $2, $3, clock_timestamp() + $4 * interval '1 ms'"
            " WHERE NOT EXISTS (SELECT FROM @stele_computations h WHERE h.namespace = $1 AND h.query_hash = $2"
            " AND h.token <> $3 AND h.lease_end > clock_timestamp())"
            " AND NOT EXISTS (SELECT FROM @entries e WHERE e.namespace = $1 AND e.query_hash = $2 AND @live"
            " AND coalesce(cardinality(@made_from), 1) > 0)"
            " ON CONFLICT (namespace, query_hash) DO UPDATE SET token = EXCLUDED.token, lease_end = EXCLUDED.lease_end"
            " WHERE c.token = EXCLUDED.token OR c.lease_end <= clock_timestamp()");
    state =
        sql("SELECT (extract(epoch FROM lease_end - clock_timestamp()) * 1000)::float8 AS left_ms"
            " FROM @stele_computations WHERE namespace = $1 AND query_hash = $2");
    renew =
        sql("UPDATE @stele_computations c SET lease_end = clock_timestamp() + t.lease * interval '1 ms'"
            " FROM unnest($1::text[], $2::text[], $3::uuid[], $4::float8[]) AS t(namespace, query_hash, token, lease)"
            " WHERE c.namespace = t.namespace AND c.query_hash = t.query_hash AND c.token = t.token");
    release = sql("DELETE FROM @stele_computations WHERE namespace = $1 AND query_hash = $2 AND token = $3");
    forget = sql("DELETE FROM @stele_computations WHERE lease_end < clock_timestamp() - interval '1 day'");
}

}  // namespace stele
