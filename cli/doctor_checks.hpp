// What `stele doctor` looks at.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "stele/database.hpp"
#include "stele/dsn.hpp"

namespace stele::cli {

enum class Health : std::uint8_t { ok, warning, failure };
/// "ok", "warning", "failure".
std::string_view to_string(Health health) noexcept;

struct Finding {
    std::string check;  ///< a stable name, such as "server_version"
    Health health = Health::ok;
    std::string text;
    std::string fix;  ///< a command or SQL; empty when there is nothing to do
};

using Findings = std::vector<Finding>;

/// What is to be done about a connection that cannot be made.
Finding connection_finding(const Error& error, const std::optional<Dsn>& dsn);
/// It is a pooler that takes no startup options.
bool is_refused_by_pooler(const Error& error);

/// Each appends what it found. They read only. They throw Error when the server is lost meanwhile.
void check_server(Database& database, std::size_t pool_size, Findings& findings);
/// `dsn`: nothing for the embedded cluster, to which there is a direct way.
/// `expected`: what the connection string or the environment says.
void check_pooler(const std::optional<Dsn>& dsn, Pooler expected, Deadline deadline, Findings& findings);
void check_pgvector(Database& database, Findings& findings);
/// `command`: how stele is to be called so that it uses this server: "stele --dsn ...".
void check_schema(Database& database, const std::string& command, Findings& findings);

struct PgvectorFacts {
    std::string installed;  ///< its version in this database; empty: it is not
    std::string schema;     ///< quoted
    std::string available;  ///< the version of its files; empty: the server has none
    std::string database;   ///< quoted
};
Finding pgvector_finding(const PgvectorFacts& facts);

}  // namespace stele::cli
