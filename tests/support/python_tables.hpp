// The tables of the Python libraries, in their own words, with {schema} for the schema.
#pragma once

#include <string>

#include "postgres/sql_split.hpp"
#include "stele/database.hpp"

namespace stele::test {

inline constexpr char kMneme[] = R"(
CREATE TABLE {schema}.schema_meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE {schema}.entries (
    id BIGSERIAL PRIMARY KEY, namespace TEXT NOT NULL DEFAULT 'default', query_hash TEXT NOT NULL, query TEXT NOT NULL,
    response TEXT NOT NULL, embedding BYTEA NOT NULL, metadata JSONB NOT NULL, created_at BIGINT NOT NULL,
    last_accessed_at BIGINT NOT NULL, ttl BIGINT, access_count BIGINT NOT NULL DEFAULT 0,
    UNIQUE (namespace, query_hash));
CREATE TABLE {schema}.cache_counters (
    namespace TEXT NOT NULL, name TEXT NOT NULL, value BIGINT NOT NULL, PRIMARY KEY (namespace, name));
CREATE TABLE {schema}.namespace_quotas (namespace TEXT PRIMARY KEY, max_entries BIGINT NOT NULL);
CREATE TABLE {schema}.multi_process_state (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE INDEX idx_entries_ns_hash ON {schema}.entries (namespace, query_hash);
CREATE INDEX idx_entries_ns_lru ON {schema}.entries (namespace, last_accessed_at);
CREATE INDEX idx_entries_created_at ON {schema}.entries (created_at);
INSERT INTO {schema}.schema_meta VALUES ('schema_version', '1'), ('embedder_dim', '3');
INSERT INTO {schema}.multi_process_state VALUES ('version_counter', '41');
INSERT INTO {schema}.entries (query_hash, query, response, embedding, metadata, created_at, last_accessed_at)
    VALUES ('h', 'q', 'r', '\x00', '{}', 1, 1);
)";

/// The configurations and templates of draive 0.92.
inline constexpr char kDraive[] = R"(
CREATE TABLE {schema}.configurations (
    identifier TEXT NOT NULL, content JSONB NOT NULL, created TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (identifier, created));
CREATE TABLE {schema}.templates (
    identifier TEXT NOT NULL, description TEXT DEFAULT NULL, content TEXT NOT NULL,
    variables JSONB NOT NULL DEFAULT '{}'::jsonb, meta JSONB NOT NULL DEFAULT '{}'::jsonb,
    created TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (identifier, created));
INSERT INTO {schema}.configurations VALUES ('a', '{}');
)";

/// The memories of draive 0.92.
inline constexpr char kDraiveMemories[] = R"(
CREATE TABLE {schema}.memories (
    identifier TEXT NOT NULL, created TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (identifier));
CREATE TABLE {schema}.memories_variables (
    identifier TEXT NOT NULL REFERENCES {schema}.memories (identifier) ON DELETE CASCADE,
    variables JSONB NOT NULL DEFAULT '{}'::jsonb, created TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE {schema}.memories_elements (
    identifier TEXT NOT NULL REFERENCES {schema}.memories (identifier) ON DELETE CASCADE,
    content JSONB NOT NULL, created TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP);
)";

/// The memories of draive 0.93 to 0.99.
inline constexpr char kDraiveUuidMemories[] = R"(
CREATE TABLE {schema}.memories (
    identifier UUID NOT NULL, created TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (identifier));
CREATE TABLE {schema}.memories_variables (
    memories UUID NOT NULL REFERENCES {schema}.memories (identifier) ON DELETE CASCADE,
    variables JSONB NOT NULL DEFAULT '{}'::jsonb, created TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP);
CREATE INDEX memories_variables_idx ON {schema}.memories_variables (memories, created DESC);
CREATE TABLE {schema}.memories_elements (
    identifier UUID NOT NULL DEFAULT gen_random_uuid(),
    memories UUID NOT NULL REFERENCES {schema}.memories (identifier) ON DELETE CASCADE,
    content JSONB NOT NULL, created TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (identifier));
CREATE INDEX memories_elements_idx ON {schema}.memories_elements (memories, created DESC);
)";

/// The conversations of draive 0.100 and later, but for a unique constraint that repeats the primary key.
inline constexpr char kDraiveTurns[] = R"(
CREATE TABLE {schema}.conversation_memory (
    thread_id TEXT NOT NULL, turn TEXT NOT NULL, identifier UUID NOT NULL, payload JSONB NOT NULL,
    created TIMESTAMPTZ NOT NULL, PRIMARY KEY (thread_id, identifier));
CREATE INDEX conversation_memory_idx ON {schema}.conversation_memory (thread_id, created DESC, identifier DESC);
)";

/// haiway 0.39 and later, with draive's memories beside them.
inline constexpr char kHaiway[] = R"(
CREATE TABLE {schema}.configurations (
    identifier TEXT NOT NULL, name TEXT NOT NULL, content JSONB NOT NULL,
    created TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (identifier, created));
CREATE INDEX configurations_idx ON {schema}.configurations (identifier, created DESC);
CREATE TABLE {schema}.memories (identifier TEXT NOT NULL, created TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (identifier));
INSERT INTO {schema}.configurations VALUES ('a', 'Settings', '{}');
)";

/// Runs such a text in the database's schema, which it makes if need be.
inline void create_tables(Database& database, std::string sql) {
    database.execute(Statement(Sql("CREATE SCHEMA IF NOT EXISTS " + database.quoted_schema())));
    constexpr std::string_view kMark = "{schema}";
    for (std::size_t at = 0; (at = sql.find(kMark, at)) != std::string::npos;) {
        sql.replace(at, kMark.size(), database.quoted_schema());
    }
    const auto statements = value_or_raise(split_sql(sql));
    for (const std::string_view statement : statements) database.execute(Statement(Sql(std::string(statement))));
}

}  // namespace stele::test
