// A private PostgreSQL of Stele's own, for when there is none to care for.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "stele/deadline.hpp"
#include "stele/dsn.hpp"
#include "stele/export.hpp"

namespace stele {
inline namespace v0 {

struct ClusterOptions {
    /// Where the cluster lives. Empty: $STELE_DATA_DIR, else /var/lib/stele for root, else $XDG_DATA_HOME/stele or
    /// ~/.local/share/stele. Each PostgreSQL major has a directory of its own in it.
    std::filesystem::path directory{};
    /// Where the PostgreSQL programs are. Empty: $STELE_PG_BINDIR, else the newest major under /usr/lib/postgresql,
    /// else what pg_config or PATH find.
    std::filesystem::path binaries{};
    /// How long the server runs on after its last user is gone. Where users differ, the one who came last decides.
    std::chrono::seconds linger{60};
    /// As root, the account that owns the data and runs the server. Empty: the owner of the data if there is some, else
    /// "postgres" if it exists, else "nobody". Not root: must be empty or the user's own name.
    std::string account{};
};

/// What `stele status` shows.
struct ClusterStatus {
    std::filesystem::path directory;  ///< of the major in use
    std::filesystem::path binaries;   ///< where the programs are
    int major = 0;                    ///< PostgreSQL major, 0 when nothing was created yet
    bool created = false;
    bool running = false;  ///< accepts connections
    long pid = 0;          ///< of the server, 0 when there is none
    std::filesystem::path socket_directory;
    std::filesystem::path log;
};

/// A user of the embedded cluster. While at least one process has one, the server runs; it stops `linger` seconds after
/// the last is gone, however that process ended. It listens on a Unix socket in a directory that only its owner (and
/// root) can enter, never on TCP, with peer authentication. docs/embedded.md tells how it is kept.
///
/// Move-only; dsn() and ensure_running() may be called from several threads. A process that is forked shares its
/// parent's use until it ends or executes another program. A server killed meanwhile is started again by itself.
class STELE_API Cluster {
public:
    /// Creates the cluster if it does not exist, starts it if it does not run, takes over the data of an older
    /// PostgreSQL major, and registers this process as a user. Safe to call from many processes at once. The deadline
    /// bounds every wait; creating and taking over are not broken off once begun. Throws Error(cluster): no PostgreSQL
    /// programs (names the package), a directory that another user owns, a disk that is full, a server that does not
    /// start (with the last lines of its log), another process that is still creating it at the deadline.
    static Cluster start(const ClusterOptions& options = {},
                         Deadline deadline = Deadline::after(std::chrono::seconds(60)));

    /// What is there, changing nothing. Throws Error(cluster) when it is another user's.
    static ClusterStatus status(const ClusterOptions& options = {});
    /// Stops a running server and waits for it. Users in other processes lose their connections; what they have
    /// committed is kept, and their next ensure_running() starts it again. False: none ran. Throws Error(cluster) at
    /// the deadline, or if the cluster is another user's.
    static bool stop(const ClusterOptions& options = {}, Deadline deadline = Deadline::after(std::chrono::seconds(60)));

    Cluster(Cluster&&) noexcept;
    Cluster& operator=(Cluster&&) noexcept;
    ~Cluster();

    /// How to connect: database and role "stele". The same until this object ends, whatever happens to the server.
    const Dsn& dsn() const noexcept;
    /// Returns when the server accepts connections, starting it again if it is gone (kill -9, or `stele down`). Some
    /// ten microseconds when it runs. Throws Error(cluster).
    void ensure_running(Deadline deadline);

private:
    struct Impl;
    explicit Cluster(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace v0
}  // namespace stele
