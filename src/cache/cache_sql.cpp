#include "cache/cache_sql.hpp"

#include <fmt/format.h>

#include <cstring>

#include "base/hash.hpp"

namespace stele {
namespace {

// mneme's times are whole seconds; the database's clock decides, so that hosts with wrong clocks agree
constexpr std::string_view kNow = "floor(date_part('epoch', clock_timestamp()))::bigint";
// no sum, which other writers' lifetimes can make overflow
constexpr std::string_view kLive = "(e.ttl IS NULL OR e.ttl > @now - e.created_at)";
constexpr std::string_view kDimension = "(SELECT value::integer FROM @schema_meta WHERE key = 'embedder_dim')";
constexpr std::string_view kWriter = "xmin::text::bigint AS writer";
// raised whenever other vectors take the place of all that there are
constexpr std::string_view kEpoch = "coalesce((SELECT max(epoch) FROM @stele_cache_epochs), 0)";
// a call, and no part of the statement: what was made from nothing must not pay for its plan
constexpr std::string_view kMadeFrom = "CASE WHEN e.stele_depends THEN @stele_made_from(e.namespace, e.id) END";

std::string replaced(std::string text, std::string_view mark, std::string_view with) {
    for (std::size_t at = 0; (at = text.find(mark, at)) != std::string::npos; at += with.size()) {
        text.replace(at, mark.size(), with);
    }
    return text;
}

}  // namespace

Sql cache_sql(std::string_view text, const std::string& quoted_schema) {
    std::string filled = replaced(std::string(text), "@live", kLive);
    filled = replaced(std::move(filled), "@dimension", kDimension);
    filled = replaced(std::move(filled), "@writer", kWriter);
    filled = replaced(std::move(filled), "@epoch", kEpoch);
    filled = replaced(std::move(filled), "@made_from", kMadeFrom);
    filled = replaced(std::move(filled), "@now", kNow);
    return Sql(replaced(std::move(filled), "@", quoted_schema + "."));
}

CacheSql::CacheSql(const std::string& quoted_schema)
    : settings(std::string()),
      claim(std::string()),
      fill_vectors(std::string()),
      lookup(std::string()),
      lookup_many(std::string()),
      fetch(std::string()),
      fetch_all(std::string()),
      touch_lookup(std::string()),
      touch(std::string()),
      load(std::string()),
      copying("SELECT set_config('stele.copy_of', $1, true), set_config('stele.copy_after', $2, true)"),
      copy(std::string()),
      by_question(std::string()),
      vectors(std::string()),
      writers(std::string()),
      lock_question("SELECT pg_advisory_xact_lock($1)"),
      raise_version(std::string()),
      hold_version(std::string()),
      put_scope(std::string()),
      attach(std::string()),
      put(std::string()),
      put_many(std::string()),
      put_attached(std::string()),
      remove(std::string()),
      remove_answer(std::string()),
      erase(std::string()),
      erase_answer(std::string()),
      clear(std::string()),
      forget_scope(std::string()),
      same_epoch(std::string()),
      renew(std::string()),
      add_counters(std::string()),
      counters(std::string()) {
    const auto sql = [&quoted_schema](std::string_view text) { return cache_sql(text, quoted_schema); };

    settings =
        sql("SELECT key, value FROM @schema_meta WHERE key IN ('embedder_fingerprint', 'embedder_dim')"
            " UNION ALL SELECT 'epoch', @epoch::text");
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

    const std::string entry =
        "SELECT e.id, e.query, e.response, e.metadata, e.ttl, @now - e.created_at AS age, NOT @live AS expired,"
        " @made_from AS made_from FROM @entries e WHERE e.namespace = $1 AND e.query_hash = $2";
    lookup = sql(entry);
    touch_lookup =
        sql("WITH touched AS (UPDATE @entries e SET last_accessed_at = greatest(e.last_accessed_at, @now),"
            " access_count = e.access_count + 1 WHERE e.namespace = $1 AND e.query_hash = $2 AND @live"
            " AND coalesce(cardinality(@made_from), 1) > 0) " +
            entry);
    const auto fetched = [](std::string_view more) {
        return "SELECT e.id, e.query_hash, e.query, e.response, e.metadata, @now - e.created_at AS age, NOT @live AS "
               "expired, @made_from AS made_from, @epoch AS epoch" +
               std::string(more) + " FROM @entries e WHERE e.id = ANY($2::bigint[]) AND e.namespace = $1";
    };
    fetch = sql(fetched(""));
    fetch_all = sql(fetched(", e.embedding"));
    lookup_many =
        sql("SELECT e.query_hash, e.id, e.query, e.response, e.metadata, e.ttl, @now - e.created_at AS age,"
            " NOT @live AS expired, @made_from AS made_from FROM @entries e WHERE e.namespace = $1"
            " AND e.query_hash = ANY($2::text[])");
    // a row that somebody changes at this moment is left out: nobody waits for accesses, in no circle either
    touch =
        sql("UPDATE @entries e SET last_accessed_at = greatest(e.last_accessed_at, @now - t.ago),"
            " access_count = e.access_count + t.times"
            " FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS t(id, times, ago),"
            " LATERAL (SELECT id FROM @entries f WHERE f.id = t.id FOR NO KEY UPDATE SKIP LOCKED) free"
            " WHERE e.id = free.id");
    load = sql(
        "SELECT id, query_hash, embedding, @writer FROM @entries WHERE namespace = $1 AND id > $2 ORDER BY id LIMIT "
        "$3");
    // COPY takes no parameters
    copy =
        sql("SELECT id, query_hash, embedding, @writer FROM @entries WHERE namespace = current_setting('stele.copy_of')"
            " AND id > current_setting('stele.copy_after')::bigint ORDER BY id");
    by_question =
        sql("SELECT id, query_hash, embedding, @writer FROM @entries WHERE namespace = $1"
            " AND query_hash = ANY($2::text[])");
    vectors = sql("SELECT id, namespace, query_hash, embedding, @writer FROM @entries WHERE id = ANY($1::bigint[])");
    writers = sql("SELECT id, @writer FROM @entries WHERE namespace = $1");

    raise_version = sql("SELECT @stele_raise_version($1)");
    hold_version = sql("SELECT FROM @multi_process_state WHERE key = 'version_counter' FOR UPDATE");
    put_scope =
        sql("INSERT INTO @stele_scopes (namespace, tenant, attributes) VALUES ($1, $2, $3) ON CONFLICT (namespace) DO "
            "NOTHING");
    attach = sql("SELECT @stele_attach($1, $2, $3, $4, $5, $6, $7) WHERE $8::bigint IS NULL OR $8 = @epoch");
    const std::string stored = "id, writer, refused_for, gone_from, evicted, expired";
    const std::string values = "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
    const std::string arrays = "@stele_put_many" + values;
    put = sql("SELECT " + stored + " FROM @stele_put" + values);
    put_many = sql("SELECT place, " + stored + " FROM " + arrays);
    // all is put before the first of it is attached to, what had to go for it is gone by then
    put_attached = sql("WITH put AS MATERIALIZED (SELECT * FROM " + arrays +
                       "), tagged AS (SELECT u.place, array_agg(u.tag) AS tags FROM unnest($16::bigint[], $17::text[])"
                       " AS u(place, tag) GROUP BY u.place),"
                       " used AS (SELECT u.place, array_agg(u.kind) AS kinds, array_agg(u.name) AS names,"
                       " array_agg(u.version) AS versions, array_agg(u.take_current) AS take_current"
                       " FROM unnest($18::bigint[], $19::text[], $20::text[], $21::text[], $22::bigint[])"
                       " AS u(place, kind, name, version, take_current) GROUP BY u.place)"
                       " SELECT place, " +
                       stored +
                       ", CASE WHEN id IS NOT NULL AND (tags IS NOT NULL OR kinds IS NOT NULL) THEN @stele_attach("
                       "($2::text[])[place], ($3::text[])[place], coalesce(tags, '{}'), coalesce(kinds, '{}'),"
                       " coalesce(names, '{}'), coalesce(versions, '{}'), coalesce(take_current, '{}')) END AS attached"
                       " FROM put LEFT JOIN tagged USING (place) LEFT JOIN used USING (place)");
    const std::string question = "DELETE FROM @entries WHERE namespace = $1 AND query_hash = $2";
    const std::string answer = question + " AND response = $3";
    const auto raising = [&sql](const std::string& deletion) {
        return sql("WITH gone AS (" + deletion +
                   " RETURNING id),"
                   " raised AS (UPDATE @multi_process_state SET value = (value::bigint + 1)::text"
                   " WHERE key = 'version_counter' AND EXISTS (SELECT FROM gone) RETURNING value::bigint AS version)"
                   " SELECT gone.id, (SELECT version FROM raised) AS version FROM gone");
    };
    remove = raising(question);
    remove_answer = raising(answer);
    erase = sql(question);
    erase_answer = sql(answer);
    clear = sql("DELETE FROM @entries WHERE namespace = $1");
    forget_scope = sql("DELETE FROM @stele_scopes WHERE namespace = $1");
    same_epoch = sql("SELECT @stele_same_epoch($1)");
    // lifetimes begin with the commit
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
