// Where the database is: a connection string with everything libpq accepts, plus the pool's parameters.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "stele/export.hpp"

namespace stele {
inline namespace v0 {

/// What stands between us and the server.
enum class Pooler : std::uint8_t {
    none,  ///< the server itself, or a pooler that lends a session for as long as we are connected
    /// PgBouncer with pool_mode = transaction, or its like: each transaction may run in another session. No prepared
    /// statement is named, no startup option is sent, nothing relies on a session. See DatabaseOptions::pooler.
    transaction,
};

/// A parsed connection string. A value type; thread-safe to read.
///
/// Accepts libpq's URI form (postgres:// or postgresql://, percent-encoding, several hosts, Unix sockets, all of
/// libpq's parameters) and its keyword form ("host=... dbname=..."). Besides, the pool sizes that haiway defines, the
/// first present of `connections`, `connection_limit`, `maxsize`, `max_size` (an integer >= 1), `pooler` (none or
/// transaction), and `ssl` with the values of `sslmode`. Either may be true (require) or false (disable), in any case;
/// `sslmode` beats `ssl`, and blank counts as not given. Of a repeated parameter the last value counts. Any other
/// parameter is an error.
class STELE_API Dsn {
public:
    /// Throws Error(invalid_argument); the message names the parameter and quotes no value, so never the password.
    /// Parts missing (or empty) come from POSTGRES_HOST, POSTGRES_PORT, POSTGRES_DATABASE, POSTGRES_USER,
    /// POSTGRES_PASSWORD, POSTGRES_SSLMODE, POSTGRES_CONNECTIONS and POSTGRES_POOLER, then from libpq's own variables
    /// (PGHOST ...), then, for a URI, from haiway's literals: localhost, 5432, postgres, postgres, postgres, prefer, 1
    /// connection. Two exceptions: beside `service` only POSTGRES_CONNECTIONS and POSTGRES_POOLER are used, since the
    /// service file may hold the rest; and the literal password is left out where a password file (.pgpass) exists. The
    /// process environment is read during the call only.
    static Dsn parse(std::string_view text);

    /// The connection that the environment describes, or nothing when neither a POSTGRES_* nor a PG* variable that
    /// names a server (host, address, port, database, user, password, service) is set and not empty: then Stele runs
    /// its own cluster. What is missing is left to libpq. Throws as parse().
    static std::optional<Dsn> from_environment();

    /// libpq keywords and values, password included: for connecting, not for showing. Pass them to libpq as they are
    /// (without its expansion of a connection string in `dbname`).
    const std::map<std::string, std::string>& parameters() const noexcept { return parameters_; }
    /// The pool size it asks for.
    std::optional<std::size_t> pool_size() const noexcept { return pool_size_; }
    /// The pooler that it names.
    std::optional<Pooler> pooler() const noexcept { return pooler_; }
    /// One line for messages: "user@host:port/database", no password and no other parameter. Several hosts stand
    /// with commas; "service=NAME" or "local-socket" stands for a host that only libpq will learn.
    std::string describe() const;

    /// A Dsn of libpq keywords, unchecked: for Stele's own embedded cluster.
    static Dsn of(std::map<std::string, std::string> parameters, std::optional<std::size_t> pool_size = {},
                  std::optional<Pooler> pooler = {});

private:
    std::map<std::string, std::string> parameters_;
    std::optional<std::size_t> pool_size_;
    std::optional<Pooler> pooler_;
};

}  // namespace v0
}  // namespace stele
