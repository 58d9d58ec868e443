// Errors that answer the caller's questions: what failed, may I try again, is my transaction or connection lost, and
// did the write happen?
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

#include "stele/export.hpp"

namespace stele {
inline namespace v0 {

/// What went wrong, in terms of what the caller can do about it. The values are not stable across releases; their names
/// (`to_string`) are, and appear in `--json` output.
enum class ErrorCode : std::uint8_t {
    invalid_argument,      ///< a value given by the caller is refused; nothing was sent
    limit_exceeded,        ///< a query, response or metadata is larger than its configured limit in bytes
    closed,                ///< the object was closed
    unavailable,           ///< no connection to the server could be made, or it was lost
    authentication,        ///< the server refuses the user or the password
    database_missing,      ///< the server has no database of that name
    permission,            ///< the role lacks a right; the message names the object
    pool_exhausted,        ///< every connection is in use and the wait ran into the deadline or the limit of waiters
    deadline_exceeded,     ///< the deadline of the call passed
    cancelled,             ///< its caller cancelled it
    in_doubt,              ///< the connection was lost during a commit and the outcome could not be learnt
    constraint_violation,  ///< unique, foreign key, check or not-null
    serialization,         ///< serialization failure or deadlock: run the whole transaction again
    resources,             ///< the server is out of disk, memory or connections
    schema_missing,        ///< the tables are not there: run `stele migrate`
    schema_newer,          ///< the database was written by a newer Stele
    schema_changed,        ///< an applied migration differs from the one this library carries
    schema_conflict,       ///< something else stands where Stele's tables belong
    fingerprint_mismatch,  ///< the stored vectors come from another embedder
    dimension_mismatch,    ///< a vector has another length than the store's
    embedder_failed,       ///< the embedder gave no usable vector
    not_found,             ///< the named thing does not exist
    type_mismatch,         ///< a value or column does not have the requested type
    cluster,               ///< the embedded PostgreSQL cluster cannot be created or started
    server,                ///< any other error that PostgreSQL reported; see sqlstate()
    internal,              ///< a defect in Stele: please report it
};

/// The stable name of a code, for example "pool_exhausted".
STELE_API std::string_view to_string(ErrorCode code) noexcept;

/// Whether doing the same again can help.
enum class Retry : std::uint8_t {
    no,           ///< not until something else has changed
    call,         ///< the same call may be made again
    transaction,  ///< the whole transaction must be run again
};

/// Everything an Error knows, as a plain value. Stele passes it around inside and throws it at the public edge.
struct ErrorInfo {
    ErrorCode code = ErrorCode::internal;
    std::string message;         ///< our text: what failed, for which identifier, what to do. Never holds a password
    std::string sqlstate;        ///< five characters when the server reported it, else empty
    std::string server_message;  ///< the server's own text; it can contain user input, so it is kept apart
    Retry retry = Retry::no;
    bool poisons_transaction = false;  ///< the transaction in progress can only be rolled back
    bool poisons_connection = false;   ///< the connection was closed
    bool in_doubt = false;             ///< a write was sent and its outcome is unknown
};

/// The one exception type of Stele. Copying does not throw once constructed from an rvalue. Thread-safe to read.
class STELE_API Error : public std::runtime_error {
public:
    explicit Error(ErrorInfo info);

    ErrorCode code() const noexcept { return info_.code; }
    Retry retry() const noexcept { return info_.retry; }
    /// SQLSTATE of the server's report, or empty.
    const std::string& sqlstate() const noexcept { return info_.sqlstate; }
    /// The server's own words, or empty. what() already includes them, after our own.
    const std::string& server_message() const noexcept { return info_.server_message; }
    bool poisons_transaction() const noexcept { return info_.poisons_transaction; }
    bool poisons_connection() const noexcept { return info_.poisons_connection; }
    bool in_doubt() const noexcept { return info_.in_doubt; }
    const ErrorInfo& info() const noexcept { return info_; }

private:
    ErrorInfo info_;
};

}  // namespace v0
}  // namespace stele
