// The way to the server: what stands in it, and what stops it.
#include <fmt/format.h>

#include "cluster_text.hpp"
#include "doctor_checks.hpp"
#include "pooler_probe.hpp"

namespace stele::cli {
namespace {

/// "-h db.example -p 5432 -U app": what PostgreSQL's own programs take.
std::string program_options(const Dsn& dsn) {
    std::string text;
    const auto add = [&](const char* keyword, std::string_view flag) {
        const auto found = dsn.parameters().find(keyword);
        if (found != dsn.parameters().end() && !found->second.empty()) {
            text += fmt::format(" {} {}", flag, shell_word(found->second));
        }
    };
    add("host", "-h");
    add("port", "-p");
    add("user", "-U");
    return text;
}

std::string parameter(const Dsn& dsn, const char* keyword, const char* otherwise) {
    const auto found = dsn.parameters().find(keyword);
    return found == dsn.parameters().end() || found->second.empty() ? otherwise : found->second;
}

std::string quoted(const std::string& identifier) {
    std::string text = "\"";
    for (const char letter : identifier) text += letter == '"' ? std::string("\"\"") : std::string(1, letter);
    return text + "\"";
}

std::string fix_for(const Error& error, const Dsn& dsn) {
    const std::string_view said = error.server_message();
    const std::string user = parameter(dsn, "user", "ROLE");
    const std::string database = parameter(dsn, "dbname", "DATABASE");
    if (said.find("unsupported startup parameter") != std::string_view::npos) {
        return "add pooler=transaction to the connection string, or set POSTGRES_POOLER=transaction (and leave options "
               "out); where pool_mode = session, in pgbouncer.ini: ignore_startup_parameters = options";
    }
    switch (error.code()) {
        case ErrorCode::authentication:
            if (said.find("pg_hba.conf") != std::string_view::npos) {
                return fmt::format(
                    "in the server's pg_hba.conf: host {} {} ADDRESS scram-sha-256; then SELECT "
                    "pg_reload_conf();",
                    database, user);
            }
            if (said.find("does not exist") != std::string_view::npos) {
                return fmt::format("CREATE ROLE {} LOGIN PASSWORD '...';", quoted(user));
            }
            return fmt::format(
                "set POSTGRES_PASSWORD, or a line in ~/.pgpass; a new one: ALTER ROLE {} PASSWORD '...';",
                quoted(user));
        case ErrorCode::database_missing:
            return fmt::format("createdb{} --encoding=UTF8 --template=template0 {}", program_options(dsn),
                               shell_word(database));
        case ErrorCode::permission:
            return fmt::format("GRANT CONNECT ON DATABASE {} TO {};", quoted(database), quoted(user));
        case ErrorCode::resources:
            return "ALTER SYSTEM SET max_connections = 200; and restart the server, or lower the pool sizes";
        default: return fmt::format("see whether the server answers: pg_isready{}", program_options(dsn));
    }
}

}  // namespace

Finding connection_finding(const Error& error, const std::optional<Dsn>& dsn) {
    // without a DSN it is the embedded cluster, whose messages say what to do
    return {"connection", Health::failure, error.what(), dsn ? fix_for(error, *dsn) : std::string()};
}

bool is_refused_by_pooler(const Error& error) {
    return error.server_message().find("unsupported startup parameter") != std::string_view::npos;
}

void check_pooler(const std::optional<Dsn>& dsn, Pooler expected, Deadline deadline, Findings& findings) {
    if (!dsn) {
        findings.push_back({"pooler", Health::ok, "none: the embedded cluster is reached directly", {}});
        return;
    }
    const bool prepared = expected == Pooler::transaction;
    const std::optional<PoolerFacts> facts = probe_pooler(*dsn, deadline);
    if (!facts) {
        findings.push_back({"pooler", Health::warning, "a second connection, to look for one, could not be made", {}});
    } else if (!facts->between && prepared) {
        findings.push_back({"pooler", Health::warning,
                            "none: the server itself answers, and pooler=transaction only costs prepared statements",
                            "leave pooler=transaction out of the connection string and the environment"});
    } else if (!facts->between) {
        findings.push_back({"pooler", Health::ok, "none: the server itself answers", {}});
    } else if (facts->shares_sessions && prepared) {
        findings.push_back(
            {"pooler",
             Health::ok,
             "a pooler that lends connections for one transaction, for which pooler=transaction is right",
             {}});
    } else if (facts->shares_sessions) {
        findings.push_back({"pooler", Health::failure,
                            "a pooler that lends connections for one transaction (transaction pooling), which Stele "
                            "was not told of: prepared statements and settings of a session get lost in it",
                            "add pooler=transaction to the connection string (DatabaseOptions::pooler = "
                            "Pooler::transaction), or set POSTGRES_POOLER=transaction; or pool_mode = session in "
                            "pgbouncer.ini"});
    } else if (prepared) {
        findings.push_back({"pooler",
                            Health::ok,
                            "there is a pooler; pooler=transaction fits any mode of it, and in session mode is not "
                            "needed",
                            {}});
    } else {
        findings.push_back({"pooler",
                            Health::ok,
                            "there is a pooler; it was not seen to share connections between sessions (in session "
                            "mode everything works; one in transaction mode is not always recognised)",
                            {}});
    }
}

}  // namespace stele::cli
