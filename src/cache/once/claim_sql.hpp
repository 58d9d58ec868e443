// The statements by which processes agree on who computes an answer, with the schema's name in place.
#pragma once

#include <string>

#include "stele/statement.hpp"

namespace stele {

struct ClaimSql {
    explicit ClaimSql(const std::string& quoted_schema);

    Sql take;     // $1 namespace, $2 hash, $3 token, $4 lease in ms: one row affected if it is held then
    Sql state;    // $1 namespace, $2 hash -> left_ms: ms until the lease is over
    Sql renew;    // $1 namespaces, $2 hashes, $3 tokens, $4 leases in ms -> token, followed
    Sql release;  // $1 namespace, $2 hash, $3 token
    Sql forget;   // those whose lease has been over for long, and what is left of texts

    // what is read in other processes while it is written
    Sql follow;       // $1 namespace, $2 hash, $3 for how many seconds
    Sql written;      // $1 namespace, $2 hash, $3 from which byte on -> token; of each piece from_byte, piece
    Sql write;        // $1 namespace, $2 hash, $3 token, $4 from which byte on, $5 the piece
    Sql forget_text;  // $1 namespace, $2 hash, $3 token
};

}  // namespace stele
