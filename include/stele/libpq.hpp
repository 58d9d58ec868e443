// A database on a connection that you have made yourself with libpq. Needs libpq's header; Stele's others do not.
//
//     PGconn* connection = PQconnectdb("service=shop");
//     {
//         stele::Database database = stele::open_on(connection, {.schema = "mneme"});
//         stele::SemanticCache cache(database, embedder);
//     }
//     PQexec(connection, "...");  // yours again
#pragma once

#include <libpq-fe.h>

#include <optional>

#include "stele/database.hpp"
#include "stele/deadline.hpp"
#include "stele/export.hpp"

namespace stele {
inline namespace v0 {

/// A Database that makes no connection and has but this one, for as long as it or anything made from it lives; until
/// then nobody else may touch it, and it must not be closed. Then it is yours again, open, as it was: what Stele has
/// prepared is gone, and no setting of the session has changed. Of the options, `dsn` and those about how many
/// connections there are and how they are made mean nothing.
///
/// It must be connected, with client_encoding UTF8, and nothing may be under way on it, no transaction either:
/// Error(invalid_argument). What the server says beside its answers goes where you let it go (PQsetNoticeProcessor).
///
/// Calls wait for one another, as with a pool of one. Nothing can replace the connection: once it is lost, also by a
/// deadline that passes while the server works, calls fail at once with Error(unavailable), which a cache's get counts
/// as a miss. You get it back then, too, as one that is lost (PQreset). Database::connect(),
/// DatabaseOptions::initialize, and what must run outside a transaction (building the indexes of a VectorIndex) are
/// Error(invalid_argument); statement_timeout holds inside transactions only. Other processes' changes are looked for
/// every third of max_staleness, and no hint of them is heard.
STELE_API Database open_on(PGconn* connection, DatabaseOptions options = {}, std::optional<Deadline> deadline = {});

}  // namespace v0
}  // namespace stele
