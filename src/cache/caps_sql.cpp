#include "cache/caps_sql.hpp"

#include <fmt/format.h>

#include "cache/cache_sql.hpp"

namespace stele {
namespace {

// what the index of ends finds; @live then says for certain
constexpr std::string_view kEnded = "e.ttl IS NOT NULL AND e.created_at::float8 + e.ttl::float8 <= @now AND NOT @live";
constexpr std::string_view kParts =
    "SELECT namespace, whole, entries, bytes FROM @stele_cache_sizes"
    " UNION ALL SELECT namespace, false, entries, bytes FROM @stele_cache_deltas"
    " UNION ALL SELECT '', true, entries, bytes FROM @stele_cache_deltas";

constexpr std::string_view kRaised =
    "raised AS (UPDATE @multi_process_state SET value = (value::bigint + 1)::text"
    " WHERE key = 'version_counter' AND EXISTS (SELECT FROM gone))";

std::string listing(std::string_view after, std::string_view order) {
    return fmt::format(
        "SELECT e.id, e.namespace, e.query, e.response, e.metadata, @now - e.created_at AS age, e.ttl,"
        " e.last_accessed_at, @now - e.last_accessed_at AS idle, e.access_count, @made_from AS made_from,"
        " CASE WHEN e.stele_depends IS NOT NULL THEN ARRAY(SELECT t.tag FROM @stele_entry_tags t"
        " WHERE t.namespace = e.namespace AND t.entry_id = e.id ORDER BY t.tag COLLATE \"C\") END AS tags,"
        " CASE WHEN e.stele_depends THEN ARRAY(SELECT u.part FROM @stele_entry_dependencies d"
        " CROSS JOIN LATERAL unnest(ARRAY[d.kind, d.name, d.version]) WITH ORDINALITY u(part, place)"
        " WHERE d.namespace = e.namespace AND d.entry_id = e.id"
        " ORDER BY d.kind COLLATE \"C\", d.name COLLATE \"C\", d.version COLLATE \"C\", u.place) END AS depends_on"
        " FROM @entries e WHERE ($1::text IS NULL OR e.namespace = $1) AND {} AND @live"
        " AND ($5::text IS NULL OR strpos(lower(e.query COLLATE \"C\"), lower($5 COLLATE \"C\")) > 0"
        " OR strpos(lower(e.response COLLATE \"C\"), lower($5 COLLATE \"C\")) > 0)"
        " AND jsonb_contains(e.metadata, $6) AND ($7 <= 0 OR @now - e.created_at >= $7)"
        " AND ($8::text IS NULL OR (e.stele_depends IS NOT NULL AND EXISTS (SELECT FROM @stele_entry_tags t"
        " WHERE t.namespace = e.namespace AND t.entry_id = e.id AND t.tag = $8))) ORDER BY {} LIMIT $4",
        after, order);
}

}  // namespace

CapsSql::CapsSql(const std::string& quoted_schema)
    : evict_after_puts(std::string()),
      evict_tenant(std::string()),
      evict_all(std::string()),
      put_entries_quota(std::string()),
      put_bytes_quota(std::string()),
      remove_quota(std::string()),
      quotas(std::string()),
      put_limits(std::string()),
      limits(std::string()),
      vacuum(std::string()),
      clear_all(std::string()),
      clear_scopes(std::string()),
      fold_sizes(std::string()),
      drop_empty(std::string()),
      remove_tagged(std::string()),
      outdated(std::string()),
      sweep(std::string()),
      policies(std::string()),
      put_policy(std::string()),
      remove_policy(std::string()),
      totals(std::string()),
      namespaces(std::string()),
      health(std::string()),
      newest(std::string()),
      coldest(std::string()) {
    const auto sql = [&quoted_schema](std::string_view text) { return cache_sql(text, quoted_schema); };
    const auto with = [&](std::string_view text, std::string_view part) {
        return sql(fmt::format(fmt::runtime(text), part));
    };

    evict_after_puts =
        sql("SELECT * FROM @stele_evict(ARRAY(SELECT DISTINCT namespace FROM @entries WHERE id = ANY($1::bigint[])),"
            " $1, $2, $3, $4)");
    evict_tenant = sql("SELECT * FROM @stele_evict(ARRAY[$1], '{}', $2, $3, $4)");
    evict_all = sql("SELECT * FROM @stele_evict('{}', '{}', $1, $2, $3)");

    put_entries_quota =
        sql("WITH gone AS (DELETE FROM @namespace_quotas WHERE namespace = $1 AND $2::bigint IS NULL)"
            " INSERT INTO @namespace_quotas (namespace, max_entries) SELECT $1, $2::bigint WHERE $2::bigint IS NOT NULL"
            " ON CONFLICT (namespace) DO UPDATE SET max_entries = EXCLUDED.max_entries");
    put_bytes_quota =
        sql("WITH gone AS (DELETE FROM @stele_cache_limits WHERE namespace = $1 AND NOT whole AND $2::bigint IS NULL)"
            " INSERT INTO @stele_cache_limits (namespace, max_bytes) SELECT $1, $2::bigint WHERE $2::bigint IS NOT NULL"
            " ON CONFLICT (namespace, whole) DO UPDATE SET max_bytes = EXCLUDED.max_bytes");
    remove_quota =
        sql("WITH entries AS (DELETE FROM @namespace_quotas WHERE namespace = $1 RETURNING namespace),"
            " bytes AS (DELETE FROM @stele_cache_limits WHERE namespace = $1 AND NOT whole RETURNING namespace)"
            " SELECT namespace AS tenant FROM entries UNION ALL SELECT namespace FROM bytes");
    quotas =
        sql("SELECT coalesce(q.namespace, l.namespace) AS tenant, q.max_entries, l.max_bytes FROM @namespace_quotas q"
            " FULL JOIN (SELECT namespace, max_bytes FROM @stele_cache_limits WHERE NOT whole) l USING (namespace)"
            " WHERE $1::text IS NULL OR coalesce(q.namespace, l.namespace) = $1");
    put_limits =
        sql("INSERT INTO @stele_cache_limits (whole, max_entries, max_bytes) VALUES (true, $1, $2)"
            " ON CONFLICT (namespace, whole) DO UPDATE SET max_entries = EXCLUDED.max_entries,"
            " max_bytes = EXCLUDED.max_bytes");
    limits = sql("SELECT max_entries, max_bytes FROM @stele_cache_limits WHERE namespace = '' AND whole");

    vacuum = with(
        "WITH dead AS (SELECT e.id FROM @entries e WHERE ($1::text IS NULL OR e.namespace = $1) AND {}"
        " AND e.created_at::float8 + e.ttl::float8 <= @now - $3 LIMIT $2"
        " FOR UPDATE SKIP LOCKED),"
        " gone AS (DELETE FROM @entries e USING dead WHERE e.id = dead.id RETURNING e.namespace),"
        " sums AS (SELECT namespace, count(*) AS expired FROM gone GROUP BY namespace),"
        " raised AS (UPDATE @multi_process_state SET value = (value::bigint + 1)::text"
        " WHERE key = 'version_counter' AND EXISTS (SELECT FROM sums)),"
        " counted AS (INSERT INTO @cache_counters AS c (namespace, name, value)"
        " SELECT namespace, 'expirations', expired FROM sums ORDER BY 1"
        " ON CONFLICT (namespace, name) DO UPDATE SET value = c.value + EXCLUDED.value)"
        " SELECT namespace, expired FROM sums",
        kEnded);
    clear_all = sql("DELETE FROM @entries");
    clear_scopes = sql("DELETE FROM @stele_scopes");
    fold_sizes = sql("SELECT @stele_fold_sizes()");
    drop_empty = sql("DELETE FROM @stele_cache_sizes WHERE entries = 0 AND bytes = 0 AND NOT whole");

    remove_tagged = with(
        "WITH gone AS (DELETE FROM @entries e USING @stele_entry_tags t WHERE t.tag = $1 AND t.namespace = ANY("
        "CASE WHEN $3::text IS NULL THEN ARRAY[$2] ELSE"
        " ARRAY(SELECT $3 UNION SELECT s.namespace FROM @stele_scopes s WHERE s.tenant = $3) END)"
        " AND e.id = t.entry_id AND e.namespace = t.namespace AND e.stele_depends IS NOT NULL"
        " RETURNING e.namespace, e.query_hash), {} SELECT namespace, query_hash FROM gone",
        kRaised);
    outdated =
        sql("SELECT v.kind, v.name, v.version FROM"
            " (SELECT DISTINCT kind, name, version FROM @stele_entry_dependencies) v"
            " WHERE v.version <> @stele_current(v.kind, v.name)");
    // whoever puts holds the version's row, so what the row says of an entry is still so when it is locked
    sweep = with(
        "WITH dead AS (SELECT e.id FROM unnest($2::text[], $3::text[], $4::text[]) v(kind, name, version)"
        " JOIN @stele_entry_dependencies d USING (kind, name, version)"
        " JOIN @entries e ON e.id = d.entry_id AND e.namespace = d.namespace"
        " WHERE ($1::text IS NULL OR e.namespace = $1) AND cardinality(@made_from) = 0 LIMIT $5"
        " FOR UPDATE OF e SKIP LOCKED),"
        " gone AS (DELETE FROM @entries e USING dead WHERE e.id = dead.id RETURNING e.namespace), {}"
        " SELECT namespace, count(*) AS removed FROM gone GROUP BY namespace",
        kRaised);
    policies =
        sql("SELECT namespace AS tenant, similarity_threshold, default_ttl, min_confidence FROM @stele_cache_policies");
    put_policy =
        sql("INSERT INTO @stele_cache_policies (namespace, similarity_threshold, default_ttl, min_confidence)"
            " VALUES ($1, $2, $3, $4) ON CONFLICT (namespace) DO UPDATE SET similarity_threshold ="
            " EXCLUDED.similarity_threshold, default_ttl = EXCLUDED.default_ttl, min_confidence ="
            " EXCLUDED.min_confidence");
    remove_policy = sql("DELETE FROM @stele_cache_policies WHERE namespace = $1 RETURNING namespace AS tenant");

    totals = sql(fmt::format(
        "SELECT z.entries - x.expired AS entries, x.expired, z.bytes FROM"
        " (SELECT coalesce(sum(p.entries), 0)::bigint AS entries, coalesce(sum(p.bytes), 0)::bigint AS bytes FROM ({}) "
        "p"
        " WHERE p.namespace = coalesce($1::text, '') AND p.whole = ($1::text IS NULL)) z,"
        " (SELECT count(*) AS expired FROM @entries e WHERE ($1::text IS NULL OR e.namespace = $1) AND {}) x",
        kParts, kEnded));
    namespaces = with(
        "SELECT z.namespace, coalesce(s.tenant, z.namespace) AS tenant,"
        " coalesce(s.attributes, '{{}}') AS attributes, z.entries, z.bytes FROM"
        " (SELECT p.namespace, sum(p.entries)::bigint AS entries, sum(p.bytes)::bigint AS bytes FROM ({}) p"
        " WHERE NOT p.whole GROUP BY p.namespace HAVING sum(p.entries) > 0) z"
        " LEFT JOIN @stele_scopes s USING (namespace) ORDER BY z.namespace COLLATE \"C\"",
        kParts);
    health = with(
        "WITH sums AS (SELECT p.namespace, p.whole, sum(p.entries)::bigint AS entries, sum(p.bytes)::bigint AS"
        " bytes FROM ({}) p GROUP BY p.namespace, p.whole)"
        " SELECT (SELECT value FROM @schema_meta WHERE key = 'schema_version') AS schema_version,"
        " (SELECT value FROM @schema_meta WHERE key = 'embedder_fingerprint') AS fingerprint,"
        " coalesce(t.entries, 0) AS entries, coalesce(t.bytes, 0) AS bytes, n.namespaces,"
        " coalesce(t.entries, 0) = n.entries AND coalesce(t.bytes, 0) = n.bytes AND n.least >= 0 AS sound,"
        " (SELECT @now - min(created_at) FROM @entries) AS oldest_age"
        " FROM (SELECT count(*) FILTER (WHERE entries > 0) AS namespaces, coalesce(sum(entries), 0) AS entries,"
        " coalesce(sum(bytes), 0) AS bytes, coalesce(min(entries), 0) AS least FROM sums WHERE NOT whole) n"
        " LEFT JOIN sums t ON t.whole",
        kParts);

    newest = sql(listing("e.id < $3 AND $2::bigint IS NOT NULL", "e.id DESC"));
    coldest = sql(listing("(e.last_accessed_at, e.id) > ($2, $3)", "e.last_accessed_at, e.id"));
}

}  // namespace stele
