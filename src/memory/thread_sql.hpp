// The statements of the housekeeping of threads, which both kinds of memory have.
#pragma once

#include <string>

#include "stele/memory_threads.hpp"
#include "stele/statement.hpp"

namespace stele {

struct ThreadSql {
    ThreadSql(MemoryKind kind, const std::string& quoted_schema);

    // a thread a row: identifier, active, items, bytes, parent or NULL
    Sql by_activity;    ///< $1, $2 of a cursor or NULL, $3 at most
    Sql by_identifier;  ///< behind $1, $2 at most
    Sql find;           ///< $1, $2: 1

    // a thread a row: identifier, items before this may go, it may go as a whole, snapshots that go; $3 to $5 say what
    // stays: items, time, bytes
    Sql cuts;  ///< as by_identifier
    Sql cut;   ///< as find

    Sql tool_uses;         ///< of $1, since $2 or NULL: created, requests, responses
    Sql count_older;       ///< of $1, before $2: items, bytes
    Sql remove_older;      ///< the same, at most $3
    Sql remove_requests;   ///< the same, of $1, that stand at the times $2
    Sql remove_snapshots;  ///< of $1, before $2 or NULL
    Sql lock;              ///< $1
    Sql remove;            ///< $1: found, items, bytes, snapshots, forks
    Sql would_remove;      ///< the same, but nothing goes
    Sql remove_inactive;   ///< the same, unless active since $2
    Sql fork;              ///< of $1 as $2, up to $3 or NULL: the last stamp that it has of it, made
};

}  // namespace stele
