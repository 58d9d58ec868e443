#include "cache/reembed_sql.hpp"

#include <fmt/format.h>

#include "cache/cache_sql.hpp"

namespace stele {
namespace {

constexpr std::string_view kSame = "s.namespace = e.namespace AND s.query_hash = e.query_hash";

}  // namespace

ReembedSql::ReembedSql(const std::string& quoted_schema)
    : state(std::string()),
      save_state(std::string()),
      drop_state(std::string()),
      drop_vectors(std::string()),
      missing(std::string()),
      add(std::string()),
      progress(std::string()),
      sample(std::string()),
      no_timeout("SET LOCAL statement_timeout = 0"),
      count(std::string()),
      page(std::string()),
      keep_before(std::string()),
      keep_after(std::string()),
      add_before(std::string()),
      add_after(std::string()),
      put_after(std::string()),
      put_before(std::string()),
      drop_empty(std::string()),
      count_before(std::string()),
      settle(std::string()),
      next_epoch(std::string()) {
    const auto sql = [&quoted_schema](std::string_view text) { return cache_sql(text, quoted_schema); };
    const auto with = [&sql](std::string_view text, std::string_view part) {
        return sql(fmt::format(fmt::runtime(text), part, kSame));
    };

    state = sql("SELECT value FROM @schema_meta WHERE key = 'stele_reembed'");
    save_state =
        sql("INSERT INTO @schema_meta (key, value) VALUES ('stele_reembed', $1)"
            " ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value");
    drop_state = sql("DELETE FROM @schema_meta WHERE key = 'stele_reembed'");
    drop_vectors = sql("DELETE FROM @stele_shadow_vectors");

    missing = with(
        "SELECT e.id, e.namespace, e.query_hash, e.query FROM @entries e WHERE e.id > $2"
        " AND ($1::text[] = '{{}}' OR e.namespace = ANY ($1::text[])) AND @live"
        " AND NOT EXISTS (SELECT FROM @stele_shadow_vectors s WHERE {1}) ORDER BY e.id LIMIT $3",
        "");
    add = with(
        "INSERT INTO @stele_shadow_vectors (namespace, query_hash, embedding, before)"
        " SELECT s.namespace, s.query_hash, s.embedding, e.embedding"
        " FROM unnest($1::text[], $2::text[], $3::bytea[]) AS s(namespace, query_hash, embedding)"
        " JOIN @entries e ON {1} ON CONFLICT (namespace, query_hash) DO UPDATE SET embedding = EXCLUDED.embedding",
        "");
    progress = with(
        "SELECT count(*) AS entries, count(*) FILTER (WHERE EXISTS (SELECT FROM @stele_shadow_vectors s WHERE {1}))"
        " AS done FROM @entries e WHERE ($1::text[] = '{{}}' OR e.namespace = ANY ($1::text[])) AND @live",
        "");
    // hashes of questions are as good as dice
    sample = with(
        "SELECT e.embedding AS before, s.embedding AS after FROM (SELECT k.namespace, k.query_hash"
        " FROM @stele_shadow_vectors k WHERE octet_length(k.embedding) > 0 ORDER BY k.query_hash LIMIT $1) k"
        " JOIN @stele_shadow_vectors s USING (namespace, query_hash) JOIN @entries e ON {1}",
        "");

    count = sql("SELECT count(*) AS entries FROM @entries");
    page = sql("SELECT max(id) AS id FROM (SELECT id FROM @entries WHERE id > $1 ORDER BY id LIMIT $2) e");
    constexpr std::string_view kKeep =
        "UPDATE @stele_shadow_vectors s SET {0} = e.embedding FROM @entries e WHERE {1} AND s.{0} <> e.embedding";
    keep_before = with(kKeep, "before");
    keep_after = with(std::string(kKeep) + " AND octet_length(s.embedding) > 0", "embedding");
    constexpr std::string_view kAdd =
        "INSERT INTO @stele_shadow_vectors (namespace, query_hash, embedding, before)"
        " SELECT e.namespace, e.query_hash, {0} FROM @entries e"
        " WHERE NOT EXISTS (SELECT FROM @stele_shadow_vectors s WHERE {1})";
    add_before = with(kAdd, "'', e.embedding");
    add_after = with(kAdd, "e.embedding, ''");
    constexpr std::string_view kPut =
        "UPDATE @entries e SET embedding = CASE WHEN octet_length(s.{0}) > 0 THEN s.{0}"
        " ELSE decode(repeat('00000000', $3), 'hex') END FROM @stele_shadow_vectors s"
        " WHERE {1} AND e.id > $1 AND e.id <= $2";
    put_after = with(kPut, "embedding");
    put_before = with(kPut, "before");
    drop_empty = sql("DELETE FROM @stele_shadow_vectors WHERE octet_length(embedding) = 0");
    count_before = with(
        "SELECT count(*) AS entries FROM @entries e JOIN @stele_shadow_vectors s ON {1}"
        " WHERE octet_length(s.before) > 0",
        "");
    settle = sql(
        "WITH gone AS (DELETE FROM @schema_meta WHERE key = 'embedder_fingerprint' AND $1::text IS NULL)"
        " INSERT INTO @schema_meta (key, value) SELECT key, value"
        " FROM (VALUES ('embedder_fingerprint', $1), ('embedder_dim', $2)) AS mine(key, value) WHERE value IS NOT NULL"
        " ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value");
    next_epoch = sql("INSERT INTO @stele_cache_epochs (epoch, embedder) SELECT @epoch + 1, $1");
}

}  // namespace stele
