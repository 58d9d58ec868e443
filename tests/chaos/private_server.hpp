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

    PrivateServer();
    PrivateServer(const PrivateServer&) = delete;
    PrivateServer& operator=(const PrivateServer&) = delete;
    ~PrivateServer();

    std::string dsn() const { return "host=" + sockets_.path().string() + " user=stele_test dbname=postgres"; }
    /// Returns when it accepts connections. The server ends with the thread that started it.
    void start();
    /// Returns when its process has ended.
    void stop(Stop how);

private:
    /// Runs a command of bash in which scripts/lib/postgres.sh is known, $1 the data and $2 the sockets.
    pid_t run(const std::string& command) const;
    std::string state() const;

    TemporaryDirectory data_{place_of_data()};
    TemporaryDirectory sockets_{place_of_sockets()};
    pid_t pid_ = 0;  // of the server, while it runs
};

}  // namespace stele::test
