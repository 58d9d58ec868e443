// A PostgreSQL of a test's own, which it may stop.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "support/temporary_directory.hpp"

namespace stele::test {

/// Made as scripts/with_postgres makes one, on a Unix socket, in directories of its own; gone at the end. Not
/// thread-safe; throws std::runtime_error with the server's log when it cannot be made or started.
class PrivateServer {
public:
    enum class Stop { fast, immediate };
    struct ReplicaOf {
        const PrivateServer& primary;
    };

    PrivateServer();
    /// A hot standby that streams from another, which must run.
    explicit PrivateServer(ReplicaOf replica);
    PrivateServer(const PrivateServer&) = delete;
    PrivateServer& operator=(const PrivateServer&) = delete;
    ~PrivateServer();

    /// The directory of its socket.
    std::string host() const { return sockets_.path().string(); }
    std::string dsn() const { return "host=" + host() + " user=stele_test dbname=postgres"; }
    /// Returns when it accepts connections. The server ends with the thread that started it.
    void start();
    /// Returns when its process has ended.
    void stop(Stop how);
    /// With pg_basebackup, while it runs. One is kept.
    void back_up();
    /// To what it was then. It must be stopped.
    void restore();
    /// Runs a command of bash, in which scripts/lib/postgres.sh is known, $1 the data, $2 the sockets and $bindir the
    /// server's programs; throws with what it says when it fails.
    void shell(const std::string& command) const;

private:
    pid_t run(const std::string& command) const;
    std::string state() const;

    TemporaryDirectory data_{place_of_data()};
    TemporaryDirectory sockets_{place_of_sockets()};
    pid_t pid_ = 0;  // of the server, while it runs
};

}  // namespace stele::test
