#include "context.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "stele/dsn.hpp"

namespace stele::cli {
namespace {

std::string_view name_of(LogLevel level) {
    switch (level) {
        case LogLevel::debug: return "debug";
        case LogLevel::info: return "info";
        case LogLevel::warning: return "warning";
        case LogLevel::error: return "error";
    }
    return "error";
}

/// Comes from any thread, so it is one write.
LogCallback log_to_stderr(bool verbose, bool json) {
    return [verbose, json](LogLevel level, std::string_view message) {
        if (!verbose && level < LogLevel::warning) return;
        std::string line;
        if (json) {
            const nlohmann::json entry = {{"level", std::string(name_of(level))}, {"message", std::string(message)}};
            line = nlohmann::json({{"log", entry}}).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
        } else {
            line = fmt::format("stele: {}: {}", name_of(level), message);
        }
        line += '\n';
        std::fwrite(line.data(), 1, line.size(), stderr);
    };
}

}  // namespace

std::optional<Deadline> Context::deadline() {
    if (!deadline_ && options.deadline_seconds > 0) {
        const std::chrono::duration<double> length(options.deadline_seconds);
        deadline_ = Deadline::after(std::chrono::duration_cast<Deadline::Clock::duration>(length));
    }
    return deadline_;
}

bool Context::embedded() const {
    return options.dsn.empty() && !Dsn::from_environment();
}

ClusterOptions Context::cluster_options() const {
    ClusterOptions cluster;
    cluster.directory = options.data_directory;
    return cluster;
}

DatabaseOptions Context::database_options(Tables tables) {
    DatabaseOptions database;
    database.dsn = options.dsn;
    database.schema = options.schema;
    database.migrate = tables == Tables::migrate || (tables == Tables::automatic && embedded());
    database.bare = tables == Tables::none;
    if (deadline()) database.call_timeout = std::chrono::ceil<std::chrono::milliseconds>(deadline()->remaining());
    database.cluster = cluster_options();
    database.log = log_to_stderr(options.verbose, options.json);
    return database;
}

Database& Context::database(Tables tables) {
    if (!database_) database_ = Database::open(database_options(tables), deadline());
    return *database_;
}

void Context::apply_options() const {
    if (options.data_directory.empty()) return;
    if (!options.dsn.empty()) refuse("--dsn names a server and --data-dir the embedded cluster: give one of them");
    // what is said here beats what happens to stand in the environment
    for (const char* name :
         {"POSTGRES_HOST", "POSTGRES_PORT", "POSTGRES_DATABASE", "POSTGRES_USER", "POSTGRES_PASSWORD", "PGHOST",
          "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGUSER", "PGPASSWORD", "PGSERVICE"}) {
        ::unsetenv(name);  // NOLINT(concurrency-mt-unsafe): no other thread runs yet
    }
}

}  // namespace stele::cli
