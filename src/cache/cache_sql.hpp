// Every statement of the semantic cache, with the schema's name in place.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "stele/statement.hpp"

namespace stele {

/// "@entries" with the schema's name before it, "@now", "@live" (of an entry e), "@version", "@dimension", "@writer",
/// "@epoch" and "@made_from" (of an entry e; empty: outdated) as expressions.
Sql cache_sql(std::string_view text, const std::string& quoted_schema);

struct CacheSql {
    explicit CacheSql(const std::string& quoted_schema);

    // opening
    Sql settings;      // -> key, value of schema_meta, and the epoch as one
    Sql claim;         // $1 fingerprint or NULL, $2 dimension: kept if another was first
    Sql fill_vectors;  // zeros for rows that were put without a vector while the dimension was not known

    // looking
    Sql lookup;        // $1 namespace, $2 hash -> the entry, without its vector
    Sql lookup_many;   // $1 namespace, $2 hashes -> the same of these, with query_hash
    Sql fetch;         // $1 namespace, $2 ids -> these entries, without vectors; epoch
    Sql fetch_all;     // the same, with vectors
    Sql touch_lookup;  // as lookup; if live, the entry was answered now
    Sql touch;         // $1 ids, $2 how often, $3 how many seconds ago: they were answered
    Sql load;          // $1 namespace, $2 id, $3 limit -> id, query_hash, embedding, writer of the next entries
    Sql copying;       // $1 namespace, $2 id, as text: what `copy` is about, until the transaction ends
    Sql copy;          // -> id, query_hash, embedding, writer of all further entries
    Sql by_question;   // $1 namespace, $2 hashes -> the same of these
    Sql vectors;       // $1 ids -> id, namespace, query_hash, embedding, writer
    Sql writers;       // $1 namespace -> id, writer of all its entries

    // changing
    Sql lock_question;  // $1 lock_key(): until the end of the transaction nobody else changes that question's entry
    Sql raise_version;  // $1 by how much
    Sql hold_version;   // keeps others from raising it until the end of the transaction
    Sql put_scope;      // $1 namespace, $2 tenant, $3 attributes
    Sql attach;         // $1 namespace, $2 hash, $3 tags, $4 kinds, $5 names, $6 versions, $7 1: the current one,
                        // $8 epoch as in put
    Sql put;  // $1 lock_key(), or NULL if it is held, $2 namespace, $3 hash, $4 query, $5 response, $6 embedding, $7
              // metadata, $8 ttl, $9 tenant whose default is taken without, or NULL, $10 that of all, $11 token or
              // NULL: only while the claim with it is held, which it ends; $12 the epoch in which the embedding was
              // made or NULL; $13 entries and $14 bytes that all may have, $15 how many more may go -> id and writer,
              // or refused_for: "busy" (somebody else is putting the question), "claim" or "epoch"; then rows with what
              // had to go. An empty embedding becomes zeros once the dimension is known. Raises the version. $15 NULL:
              // in a transaction, which raises it and evicts when it ends
    Sql put_many;       // the same over arrays; the rows begin with which element they belong to
    Sql put_attached;   // put_many, and attach of what is stored: $16 elements that $17 tags belong to, $18 elements
                        // that $19 kinds, $20 names, $21 versions and $22, as in attach, belong to
    Sql remove;         // $1 namespace, $2 hash -> id, version; no row if there was none
    Sql remove_answer;  // the same, $3 response: only while it is this one
    Sql erase;          // $1 namespace, $2 hash; leaves the version as it is
    Sql erase_answer;   // the same, $3 response: only while it is this one
    Sql clear;          // $1 namespace: all its entries; leaves the version as it is
    Sql forget_scope;   // $1 namespace
    Sql same_epoch;     // $1 epoch: fails in another one, so that the transaction is run again
    Sql renew;          // $1 ids: those that were put more than half a minute ago count as put now

    // counting
    Sql add_counters;  // $1 namespaces, $2 names, $3 values
    Sql counters;      // $1 namespace or NULL -> name, value
};

/// From such a step of the version on, Python's readers read everything again.
inline constexpr std::int64_t kRebuildStep = 100;

/// What stands for the entry of a question in lock_question.
std::int64_t lock_key(std::string_view schema, std::string_view name_space, std::string_view hash);

}  // namespace stele
