#include "cache/once/claim_sql.hpp"

#include "cache/cache_sql.hpp"

namespace stele {

ClaimSql::ClaimSql(const std::string& quoted_schema)
    : take(std::string()),
      state(std::string()),
      renew(std::string()),
      release(std::string()),
      forget(std::string()),
      follow(std::string()),
      written(std::string()),
      write(std::string()),
      forget_text(std::string()) {
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
            " WHERE c.namespace = t.namespace AND c.query_hash = t.query_hash AND c.token = t.token"
            " RETURNING c.token, coalesce(c.followed_until > clock_timestamp(), false) AS followed");
    release = sql("DELETE FROM @stele_computations WHERE namespace = $1 AND query_hash = $2 AND token = $3");
    forget =
        sql("WITH old AS (DELETE FROM @stele_computations WHERE lease_end < clock_timestamp() - interval '1 day')"
            " DELETE FROM @stele_computation_pieces p WHERE NOT EXISTS (SELECT FROM @stele_computations c"
            " WHERE c.namespace = p.namespace AND c.query_hash = p.query_hash AND c.token = p.token)");
    // written once in half of the time for which it holds, however often and by however many it is asked
    follow =
        sql("UPDATE @stele_computations SET followed_until = clock_timestamp() + $3 * interval '1 s'"
            " WHERE namespace = $1 AND query_hash = $2"
            " AND coalesce(followed_until < clock_timestamp() + $3 / 2 * interval '1 s', true)");
    written =
        sql("SELECT c.token, p.from_byte, p.piece FROM @stele_computations c LEFT JOIN @stele_computation_pieces p"
            " ON p.namespace = c.namespace AND p.query_hash = c.query_hash AND p.token = c.token AND p.from_byte >= $3"
            " WHERE c.namespace = $1 AND c.query_hash = $2 ORDER BY p.from_byte");
    write =
        sql("INSERT INTO @stele_computation_pieces (namespace, query_hash, token, from_byte, piece)"
            " SELECT $1, $2, $3, $4, $5 WHERE EXISTS (SELECT FROM @stele_computations c"
            " WHERE c.namespace = $1 AND c.query_hash = $2 AND c.token = $3) ON CONFLICT DO NOTHING");
    forget_text = sql("DELETE FROM @stele_computation_pieces WHERE namespace = $1 AND query_hash = $2 AND token = $3");
}

}  // namespace stele
