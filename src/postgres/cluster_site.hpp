// The embedded cluster on disk: where its parts lie, who owns them, which locks are held.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "postgres/cluster_plan.hpp"
#include "postgres/cluster_process.hpp"
#include "stele/cluster.hpp"
#include "stele/deadline.hpp"

namespace stele {

/// One major's directory and what lies in it.
///   data/        PostgreSQL's own
///   run/         the Unix socket
///   log, log.1   the server's and the keeper's messages
///   users.lock, keeper.lock, server.lock, keeper.fifo   see cluster_keeper.sh
struct ClusterDirectory {
    std::filesystem::path path;

    std::filesystem::path data() const { return path / "data"; }
    std::filesystem::path log() const { return path / "log"; }
    std::filesystem::path users_lock() const { return path / "users.lock"; }
    std::filesystem::path keeper_lock() const { return path / "keeper.lock"; }
    std::filesystem::path server_lock() const { return path / "server.lock"; }
    std::filesystem::path keeper_fifo() const { return path / "keeper.fifo"; }
};

/// The directory under which each major has its own.
std::filesystem::path cluster_base(const ClusterOptions& options);
/// The majors that have a complete directory under the base, ascending.
std::vector<int> created_majors(const std::filesystem::path& base);
inline ClusterDirectory directory_of(const std::filesystem::path& base, int major) {
    return {base / std::to_string(major)};
}

/// Where the socket is: run/ in the directory, or, since the path of a socket holds at most 107 characters, a short one
/// under /tmp. It follows from the path and the owner alone, so that all processes find the same one whatever their
/// environment.
std::filesystem::path socket_directory(const ClusterDirectory& directory, uid_t owner);
/// Makes it, with mode 0700; throws Error(cluster) if it is not the owner's own.
void make_socket_directory(const std::filesystem::path& path, const Account& owner);

/// Who owns the cluster: this user, or as root the account that is asked for, or owns it already. Throws Error(cluster)
/// if there is no such account, or the directory exists and belongs to somebody else.
Account cluster_owner(const ClusterOptions& options, const std::filesystem::path& directory);
/// As root: throws Error(cluster) naming the parent that the account cannot enter.
void check_reachable(const std::filesystem::path& directory, const Account& owner);

/// Makes a new empty directory that only its owner can enter, whatever the umask; its name is `prefix` with six letters
/// after it. Throws Error(cluster).
std::filesystem::path make_private_directory(const std::string& prefix, const Account& owner);
/// Makes a directory and its parents, such that the owner can work below it.
void make_directories(const std::filesystem::path& path);
/// Opens a lock file, made with mode 0600 for its owner if it is missing.
FileDescriptor open_lock(const std::filesystem::path& path, const Account& owner);
/// Whether somebody holds it exclusively. Changes nothing.
bool lock_is_held(const std::filesystem::path& path);

struct ServerFacts {
    ServerState state = ServerState::absent;
    pid_t pid = 0;  ///< 0 when there is no living server
};
ServerFacts look_at_server(const ClusterDirectory& directory);

/// What the server writes to postmaster.pid.
struct PostmasterFile {
    pid_t pid = 0;
    bool ready = false;
};
std::optional<PostmasterFile> parse_postmaster_file(const std::string& content);

std::string read_file(const std::filesystem::path& path);
void write_file(const std::filesystem::path& path, const std::string& content);

}  // namespace stele
