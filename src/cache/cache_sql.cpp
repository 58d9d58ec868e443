#include "cache/cache_sql.hpp"

#include <fmt/format.h>

#include <cstring>

#include "base/hash.hpp"

namespace stele {
namespace {

// mneme's times are whole seconds; the database's clock decides, so that hosts with wrong clocks agree
constexpr std::string_view kNow = "floor(extract(epoch FROM clock_timestamp()))::bigint";
// no sum, which other writers' lifetimes can make overflow
constexpr std::string_view kLive = "(e.ttl IS NULL OR e.ttl > @now - e.created_at)";
constexpr std::string_view kVersion =
    "coalesce((SELECT value::bigint FROM @multi_process_state WHERE key = 'version_counter'), 0)";
constexpr std::string_view kDimension = "(SELECT value::integer FROM @schema_meta WHERE key = 'embedder_dim')";
constexpr std::string_view kWriter = "xmin::text::bigint AS writer";

std::string replaced(std::string text, std::string_view mark, std::string_view with) {
    for (std::size_t at = 0; (at = text.find(mark, at)) != std::string::npos; at += with.size()) {
        text.replace(at, mark.size(), with);
    }
    return text;
}

}  // namespace

Sql cache_sql(std::string_view text, const std::string& quoted_schema) {
    std::string filled = replaced(std::string(text), "@live", kLive);
    filled = replaced(std::move(filled), "@version", kVersion);
    filled = replaced(std::move(filled), "@dimension", kDimension);
    filled = replaced(std::move(filled), "@writer", kWriter);
    filled = replaced(std::move(filled), "@now", kNow);
    return Sql(replaced(std::move(filled), "@", quoted_schema + "."));
}

CacheSql::CacheSql(const std::string& quoted_schema)
    : settings(std::string()),
      position(std::string()),
      claim(std::string()),
      fill_vectors(std::string()),
      lookup(std::string()),
      fetch(std::string()),
      load(std::string()),
      added(std::string()),
      recent(std::string()),
      vectors(std::string()),
      writers(std::string()),
      lock_question("SELECT pg_advisory_xact_lock($1)"),
      raise_version(std::string()),
      hold_version(std::string()),
      put_scope(std::string()),
      upsert(std::string()),
      remove(std::string()),
      erase(std::string()),
      clear(std::string()),
      forget_scope(std::string()),
      renew(std::string()),
      add_counters(std::string()),
      counters(std::string()) {
    const auto sql = [&quoted_schema](std::string_view text) { return cache_sql(text, quoted_schema); };

    settings = sql("SELECT key, value FROM @schema_meta WHERE key IN ('embedder_fingerprint', 'embedder_dim')");
    position = sql("SELECT @version AS version, coalesce((SELECT max(id) FROM @entries), 0) AS last_id, @now AS now");
    // both or none, and none if one of them is another's already
    claim =
        sql("INSERT INTO @schema_meta (key, value) SELECT key, value"
            " FROM (VALUES ('embedder_fingerprint', $1), ('embedder_dim', $2)) AS mine(key, value)"
            " WHERE value IS NOT NULL AND NOT EXISTS (SELECT FROM @schema_meta m"
            " WHERE (m.key = 'embedder_fingerprint' AND m.value IS DISTINCT FROM $1)"
            " OR (m.key = 'embedder_dim' AND m.value <> $2)) ON CONFLICT (key) DO NOTHING");
    fill_vectors =
        sql("UPDATE @entries SET embedding = decode(repeat('00000000', @dimension), 'hex')"
            " WHERE octet_length(embedding) = 0 AND @dimension IS NOT NULL");

    lookup =
        sql("SELECT s.value::bigint AS version, e.id, e.query, e.response, e.metadata, @now - e.created_at AS age,"
            " NOT @live AS expired"
            " FROM (SELECT 1) one"
            " LEFT JOIN @multi_process_state s ON s.key = 'version_counter'"
            " LEFT JOIN @entries e ON e.namespace = $1 AND e.query_hash = $2");
    fetch =
        sql("SELECT e.id, e.query_hash, e.query, e.response, e.metadata, @now - e.created_at AS age,"
            " NOT @live AS expired FROM @entries e WHERE e.id = ANY($2::bigint[]) AND e.namespace = $1");
    load = sql(
        "SELECT id, query_hash, embedding, @writer FROM @entries WHERE namespace = $1 AND id > $2 ORDER BY id LIMIT "
        "$3");
    // of others' namespaces only the ids, which are counted; of own rows too, as their vectors are here
    added =
        sql("SELECT p.version, p.now, e.id, v.namespace, v.query_hash, v.embedding, v.writer"
            " FROM (SELECT @version AS version, @now AS now) p"
            " LEFT JOIN (SELECT *, xmin FROM @entries WHERE id > $2 ORDER BY id LIMIT $3) e ON true"
            " LEFT JOIN LATERAL (SELECT e.namespace, e.query_hash, e.embedding, e.@writer"
            " WHERE e.namespace = ANY($1::text[]) AND e.id <> ALL($4::bigint[])) v ON true");
    recent =
        sql("SELECT created_at, id, namespace, @writer FROM @entries"
            " WHERE (created_at, id) > ($2, $3) AND namespace = ANY($1::text[]) ORDER BY created_at, id LIMIT $4");
    vectors = sql("SELECT id, namespace, query_hash, embedding, @writer FROM @entries WHERE id = ANY($1::bigint[])");
    writers = sql("SELECT id, @writer FROM @entries WHERE namespace = $1");

    // before the entry's id is allocated: the row lock then makes the order of ids the order of commits. A counter that
    // was lost begins higher than any that a process can know
    raise_version = sql(
        "INSERT INTO @multi_process_state AS s (key, value) VALUES ('version_counter', (@now * 1000)::text)"
        " ON CONFLICT (key) DO UPDATE SET value = (s.value::bigint + $1)::text RETURNING s.value::bigint AS version");
    hold_version = sql("SELECT FROM @multi_process_state WHERE key = 'version_counter' FOR UPDATE");
    put_scope =
        sql("INSERT INTO @stele_scopes (namespace, tenant, attributes) VALUES ($1, $2, $3) ON CONFLICT (namespace) DO "
            "NOTHING");
    upsert = sql(
        "INSERT INTO @entries (namespace, query_hash, query, response, embedding, metadata, created_at,"
        " last_accessed_at, ttl, access_count) SELECT $1, $2, $3, $4,"
        " CASE WHEN octet_length($5) > 0 THEN $5 ELSE coalesce(decode(repeat('00000000', @dimension), 'hex'), '') "
        "END,"
        " $6, now, now, $7, 0 FROM (SELECT @now AS now) t"
        " ON CONFLICT (namespace, query_hash) DO UPDATE SET query = EXCLUDED.query, response = EXCLUDED.response,"
        " embedding = EXCLUDED.embedding, metadata = EXCLUDED.metadata, created_at = EXCLUDED.created_at,"
        " last_accessed_at = EXCLUDED.last_accessed_at, ttl = EXCLUDED.ttl, access_count = 0 RETURNING id, @writer");
    remove =
        sql("WITH gone AS (DELETE FROM @entries WHERE namespace = $1 AND query_hash = $2 RETURNING id),"
            " raised AS (UPDATE @multi_process_state SET value = (value::bigint + 1)::text"
            " WHERE key = 'version_counter' AND EXISTS (SELECT FROM gone) RETURNING value::bigint AS version)"
            " SELECT gone.id, (SELECT version FROM raised) AS version FROM gone");
    erase = sql("DELETE FROM @entries WHERE namespace = $1 AND query_hash = $2");
    clear = sql("DELETE FROM @entries WHERE namespace = $1");
    forget_scope = sql("DELETE FROM @stele_scopes WHERE namespace = $1");
    // the times by which others find what committed late
    renew =
        sql("UPDATE @entries SET created_at = now, last_accessed_at = now FROM (SELECT @now AS now) t"
            " WHERE id = ANY($1::bigint[]) AND created_at < now - 30");

    // sorted, so that two processes that add at once never wait for each other in a circle
    add_counters =
        sql("INSERT INTO @cache_counters AS c (namespace, name, value)"
            " SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[]) AS u(namespace, name, value) ORDER BY 1, 2"
            " ON CONFLICT (namespace, name) DO UPDATE SET value = c.value + EXCLUDED.value");
    counters =
        sql("SELECT name, sum(value)::bigint AS value FROM @cache_counters WHERE $1::text IS NULL OR namespace = $1"
            " GROUP BY name");
}

std::int64_t lock_key(std::string_view schema, std::string_view name_space, std::string_view hash) {
    const Digest digest = sha256(fmt::format("{}\n{}\n{}", schema, name_space, hash));
    std::int64_t key = 0;
    std::memcpy(&key, digest.data(), sizeof(key));
    return key;
}

}  // namespace stele
