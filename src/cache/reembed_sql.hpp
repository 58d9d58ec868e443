// The statements by which the vectors of the cache are replaced by those of another embedder.
#pragma once

#include <string>

#include "stele/statement.hpp"

namespace stele {

struct ReembedSql {
    explicit ReembedSql(const std::string& quoted_schema);

    Sql state;       // -> value
    Sql save_state;  // $1 value
    Sql drop_state;
    Sql drop_vectors;

    // making
    Sql missing;   // $1 namespaces or none: all, $2 id, $3 limit -> id, namespace, query_hash, query of live entries
                   // beyond
    Sql add;       // $1 namespaces, $2 query_hashes, $3 vectors
    Sql progress;  // $1 namespaces or none -> done, entries
    Sql sample;    // $1 limit -> before, after: vectors of the same entry

    // switching, while the version counter's row is held
    Sql no_timeout;
    Sql count;         // -> entries
    Sql page;          // $1 id, $2 how many -> id of the last of so many entries beyond the first, or NULL
    Sql keep_before;   // what the entries have now is what `before` is
    Sql keep_after;    // the same for `embedding`
    Sql add_before;    // entries without any: with `before`
    Sql add_after;     // the same with `embedding`
    Sql put_after;     // $1 id, $2 id, $3 dimension: entries beyond the first and up to the second get `embedding`
    Sql put_before;    // the same with `before`
    Sql drop_empty;    // rows without `embedding`, so that they count as missing
    Sql count_before;  // -> how many have one
    Sql settle;        // $1 fingerprint or NULL, $2 dimension: are those of the vectors from now on
    Sql next_epoch;    // $1 fingerprint or NULL
};

}  // namespace stele
