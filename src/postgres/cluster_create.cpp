#include "postgres/cluster_create.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <string>
#include <system_error>

#include "base/result.hpp"
#include "base/system.hpp"
#include "postgres/cluster_site.hpp"

namespace stele {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTemporaryPrefix = ".new-";

void append(const fs::path& path, const std::string& text) {
    std::ofstream file(path, std::ios::binary | std::ios::app);
    file << text << std::flush;
    if (!file) raise(ErrorCode::cluster, fmt::format("cannot write {}: {}", path.string(), error_text(errno)));
}

void replace(const fs::path& path, const std::string& text) {
    fs::resize_file(path, 0);
    append(path, text);
}

constexpr const char* kSettings = R"(
# Settings of Stele. The socket's directory is given on the command line.
listen_addresses = ''
unix_socket_permissions = 0700
cluster_name = 'stele'
log_line_prefix = '%m [%p] '
)";

constexpr const char* kAccess = R"(# Over the Unix socket only, for the operating system users that pg_ident.conf lists.
local   all           all   peer map=stele
local   replication   all   peer map=stele
)";

std::string identities(const Account& owner) {
    std::string text = "# MAPNAME   SYSTEM-USERNAME   PG-USERNAME\nstele   root   stele\n";
    if (owner.name != "root") text += fmt::format("stele   \"{}\"   stele\n", owner.name);
    return text;
}

void sync_directory(const fs::path& path) {
    const FileDescriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory || ::fsync(directory.get()) != 0) {
        raise(ErrorCode::cluster, fmt::format("cannot sync {}: {}", path.string(), error_text(errno)));
    }
}

}  // namespace

NewDirectory::NewDirectory(const fs::path& base, const Account& owner)
    : path_(make_private_directory((base / kTemporaryPrefix).string(), owner)) {}

NewDirectory::~NewDirectory() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
}

void NewDirectory::publish(const fs::path& name) {
    sync_directory(path_);
    std::error_code error;
    fs::rename(path_, name, error);
    if (error) raise(ErrorCode::cluster, fmt::format("cannot create {}: {}", name.string(), error.message()));
    path_.clear();
    sync_directory(name.parent_path());
}

void NewDirectory::remove_leftovers(const fs::path& base) {
    std::error_code error;
    for (fs::directory_iterator entry(base, error), end; !error && entry != end; entry.increment(error)) {
        if (!entry->path().filename().string().starts_with(kTemporaryPrefix)) continue;
        std::error_code ignored;
        fs::remove_all(entry->path(), ignored);
    }
}

void initialise_cluster(const fs::path& directory, const fs::path& programs, const Account& owner, int lock) {
    const fs::path data = directory / "data";
    const std::string purpose =
        fmt::format("cannot create the PostgreSQL cluster in {}", directory.parent_path().string());
    Command command;
    command.account = &owner;
    command.keep = lock;

    // C: no locale of the system, so that a new libc reorders no index
    command.arguments = {(programs / "initdb").string(),
                         "--pgdata",
                         data.string(),
                         "--username=stele",
                         "--locale=C",
                         "--encoding=UTF8",
                         "--data-checksums",
                         "--auth=peer",
                         "--no-sync"};
    run_command(command, purpose);

    append(data / "postgresql.conf", kSettings);
    replace(data / "pg_hba.conf", kAccess);
    replace(data / "pg_ident.conf", identities(owner));

    // a server of one process without a socket; without exit_on_error it would go on after an error and report success
    command.arguments = {
        (programs / "postgres").string(), "--single", "-D", data.string(), "-c", "exit_on_error=on", "postgres"};
    command.input = "CREATE DATABASE stele\n";
    run_command(command, purpose);
    command.input.clear();

    command.arguments = {(programs / "initdb").string(), "--sync-only", "--pgdata", data.string()};
    run_command(command, purpose);
}

}  // namespace stele
