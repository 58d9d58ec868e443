#include "postgres/cluster_takeover.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <sys/file.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <system_error>
#include <thread>

#include "base/file_lock.hpp"
#include "base/result.hpp"
#include "postgres/cluster_run.hpp"
#include "postgres/cluster_site.hpp"

namespace stele {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail_takeover(const std::string& message) {
    raise(ErrorCode::cluster, message);
}

// A directory for sockets, under /tmp since their paths must be short.
class SocketDirectory {
public:
    explicit SocketDirectory(const Account& owner) : path_(make_private_directory("/tmp/stele-", owner)) {}
    SocketDirectory(const SocketDirectory&) = delete;
    SocketDirectory& operator=(const SocketDirectory&) = delete;
    ~SocketDirectory() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    const std::string& path() const noexcept { return path_; }

private:
    std::string path_;
};

// A server of ours alone, which stops with this object, or with the thread that made it.
class PrivateServer {
public:
    PrivateServer(const ClusterHome& home, const Account& owner, const SocketDirectory& sockets, int port, int lock)
        : process_(command(home, owner, sockets, port, lock)) {
        const fs::path state = home.directory.data() / "postmaster.pid";
        for (;;) {
            const auto file = parse_postmaster_file(read_file(state));
            if (file && file->ready && file->pid == process_.pid()) return;
            if (process_.ended()) {
                fail_takeover(fmt::format("the server in {} does not start:\n{}", home.directory.path.string(),
                                          last_lines(process_.output(), 15)));
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
    }
    PrivateServer(const PrivateServer&) = delete;
    PrivateServer& operator=(const PrivateServer&) = delete;
    ~PrivateServer() { shut_down(); }

    void stop() {
        if (shut_down() != 0) {
            fail_takeover(fmt::format("a server did not shut down cleanly:\n{}", last_lines(process_.output(), 15)));
        }
    }

private:
    int shut_down() noexcept {
        process_.signal(SIGINT);
        return process_.wait();
    }
    static Command command(const ClusterHome& home, const Account& owner, const SocketDirectory& sockets, int port,
                           int lock) {
        Command command;
        command.arguments = {(home.programs / "postgres").string(),
                             "-D",
                             home.directory.data().string(),
                             "-k",
                             sockets.path(),
                             "-p",
                             std::to_string(port)};
        command.account = &owner;
        command.keep = lock;
        command.end_with_us = true;
        return command;
    }

    Process process_;
};

constexpr int kFromPort = 1;
constexpr int kToPort = 2;

struct Finish {
    void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
    void operator()(PGresult* result) const noexcept { PQclear(result); }
};
using ConnectionHandle = std::unique_ptr<PGconn, Finish>;
using ResultHandle = std::unique_ptr<PGresult, Finish>;

ConnectionHandle connect(const SocketDirectory& sockets, int port) {
    const std::string number = std::to_string(port);
    const char* const keywords[] = {"host", "port", "dbname", "user", nullptr};
    const char* const values[] = {sockets.path().c_str(), number.c_str(), "stele", "stele", nullptr};
    ConnectionHandle connection(PQconnectdbParams(keywords, values, 0));
    if (PQstatus(connection.get()) != CONNECTION_OK) fail_takeover(PQerrorMessage(connection.get()));
    return connection;
}

ResultHandle query(const ConnectionHandle& connection, const std::string& sql) {
    ResultHandle result(PQexec(connection.get(), sql.c_str()));
    const ExecStatusType status = PQresultStatus(result.get());
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) fail_takeover(PQerrorMessage(connection.get()));
    return result;
}

using RowCounts = std::map<std::string, std::string>;

RowCounts count_rows(const ConnectionHandle& connection) {
    const ResultHandle tables = query(connection,
                                      "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_class c "
                                      "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
                                      "WHERE c.relkind IN ('r', 'm') AND n.nspname <> 'information_schema' "
                                      "AND NOT starts_with(n.nspname, 'pg_')");
    RowCounts counts;
    for (int row = 0; row < PQntuples(tables.get()); ++row) {
        const std::string table = PQgetvalue(tables.get(), row, 0);
        const ResultHandle count = query(connection, fmt::format("SELECT count(*) FROM {}", table));
        counts[table] = PQgetvalue(count.get(), 0, 0);
    }
    return counts;
}

void compare(const RowCounts& before, const RowCounts& after) {
    for (const auto& [table, count] : before) {
        const auto found = after.find(table);
        if (found == after.end()) fail_takeover(fmt::format("table {} is missing in the copy", table));
        if (found->second != count) {
            fail_takeover(fmt::format("table {} has {} rows, its copy {}", table, count, found->second));
        }
    }
    if (before.size() != after.size()) {
        fail_takeover(fmt::format("there are {} tables, and {} in the copy", before.size(), after.size()));
    }
}

// The newer programs do both halves, as PostgreSQL advises. A dump that breaks off makes pg_restore fail. The role
// "stele" is there already: psql says so and goes on.
constexpr const char* kCopy = R"(
set -eu
bin=$1 sockets=$2 from=$3 to=$4
"$bin/pg_dumpall" -h "$sockets" -p "$from" -U stele -l stele --roles-only | "$bin/psql" -X -q -h "$sockets" -p "$to" -U stele -d stele
"$bin/pg_dump" -h "$sockets" -p "$from" -U stele -Fc -Z0 stele |
    "$bin/pg_restore" -h "$sockets" -p "$to" -U stele -d stele --exit-on-error
)";

void copy(const ClusterHome& from, const ClusterHome& to, const Account& owner, const SocketDirectory& sockets) {
    Command command;
    command.account = &owner;
    command.arguments = {"/bin/sh",
                         "-c",
                         kCopy,
                         "take-over",
                         to.programs,
                         sockets.path(),
                         std::to_string(kFromPort),
                         std::to_string(kToPort)};
    run_command(command, fmt::format("cannot copy the data of {}", from.directory.path.string()));
}

}  // namespace

void take_over(const ClusterHome& from, const ClusterHome& to, const Account& owner, int lock, Deadline deadline) {
    // with these three nobody can use, keep or run it meanwhile
    const FileDescriptor users = open_lock(from.directory.users_lock(), owner);
    const FileDescriptor keeper = open_lock(from.directory.keeper_lock(), owner);
    const FileDescriptor server = open_lock(from.directory.server_lock(), owner);
    if (!lock_file(users.get(), LOCK_EX, deadline, ErrorCode::cluster)) {
        fail_takeover(
            fmt::format("{} is in use by other processes: stop them and try again", from.directory.path.string()));
    }
    stop_server(from.directory, deadline);
    if (!lock_file(keeper.get(), LOCK_EX, deadline, ErrorCode::cluster) ||
        !lock_file(server.get(), LOCK_EX, deadline, ErrorCode::cluster)) {
        fail_takeover(fmt::format("the server in {} was started again by somebody else", from.directory.path.string()));
    }

    const SocketDirectory sockets(owner);
    PrivateServer old_server(from, owner, sockets, kFromPort, server.get());
    PrivateServer new_server(to, owner, sockets, kToPort, lock);
    copy(from, to, owner, sockets);
    compare(count_rows(connect(sockets, kFromPort)), count_rows(connect(sockets, kToPort)));
    query(connect(sockets, kToPort), "ANALYZE");
    new_server.stop();
    old_server.stop();
}

void mark_taken_over(const ClusterDirectory& from, const ClusterDirectory& to) {
    write_file(
        from.path / "TAKEN_OVER",
        fmt::format("The data of this directory was taken over to {}.\nIt is kept as it was and can be deleted.\n",
                    to.path.string()));
}

}  // namespace stele
