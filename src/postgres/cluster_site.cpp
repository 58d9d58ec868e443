#include "postgres/cluster_site.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "base/result.hpp"
#include "base/system.hpp"

namespace stele {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail_cluster(std::string message) {
    raise(ErrorCode::cluster, std::move(message));
}

std::optional<Account> as_account(const passwd* entry) {
    if (entry == nullptr) return std::nullopt;
    return Account{entry->pw_uid, entry->pw_gid, entry->pw_name};
}

std::optional<Account> account_named(const std::string& name) {
    passwd entry{};
    passwd* found = nullptr;
    std::array<char, 16384> buffer{};
    ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    return as_account(found);
}

std::optional<Account> account_numbered(uid_t uid, std::string* home = nullptr) {
    passwd entry{};
    passwd* found = nullptr;
    std::array<char, 16384> buffer{};
    ::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found);
    if (found != nullptr && home != nullptr) *home = found->pw_dir;
    return as_account(found);
}

std::string name_of(uid_t uid) {
    const auto account = account_numbered(uid);
    return account ? fmt::format("'{}'", account->name) : fmt::format("number {}", uid);
}

Account known_account(uid_t uid) {
    if (auto account = account_numbered(uid)) return *std::move(account);
    fail_cluster(fmt::format("user number {} has no entry in the user database, and PostgreSQL needs one to run", uid));
}

// Where the path ends: the socket's own name, ".s.PGSQL.5432", and the slash before it.
constexpr std::size_t kLongestSocketDirectory = 107 - 14;

// FNV-1a: the name must be the same in every build and process, which std::hash does not promise.
std::uint64_t stable_hash(const std::string& text) {
    std::uint64_t hash = 14695981039346656037U;
    for (const char letter : text) hash = (hash ^ static_cast<unsigned char>(letter)) * 1099511628211U;
    return hash;
}

bool may_enter(const struct stat& status, const Account& account) {
    if (status.st_uid == account.uid) return (status.st_mode & S_IXUSR) != 0;
    if (status.st_gid == account.gid) return (status.st_mode & S_IXGRP) != 0;
    return (status.st_mode & S_IXOTH) != 0;
}

// A zombie still has its entry, and a number may be used again by a stranger.
bool is_living_postgres(pid_t pid) {
    const std::string line = read_file(fmt::format("/proc/{}/stat", pid));
    const std::string expected = fmt::format("{} (postgres) ", pid);
    return line.starts_with(expected) && line.size() > expected.size() && line[expected.size()] != 'Z';
}

// The socket's place may follow from the path, so all processes must spell it alike.
fs::path one_spelling(const fs::path& path) {
    std::error_code error;
    fs::path canonical = fs::weakly_canonical(fs::absolute(path), error);
    if (error) canonical = fs::absolute(path).lexically_normal();
    return canonical.has_filename() ? canonical : canonical.parent_path();
}

}  // namespace

fs::path cluster_base(const ClusterOptions& options) {
    if (!options.directory.empty()) return one_spelling(options.directory);
    if (const std::string chosen = environment("STELE_DATA_DIR"); !chosen.empty()) return one_spelling(chosen);
    if (::geteuid() == 0) return "/var/lib/stele";
    // the XDG specification has relative paths ignored
    if (const fs::path data = environment("XDG_DATA_HOME"); data.is_absolute()) return one_spelling(data / "stele");
    std::string home = environment("HOME");
    if (home.empty()) account_numbered(::geteuid(), &home);
    if (home.empty())
        fail_cluster("there is no home directory for the embedded cluster: name a directory in STELE_DATA_DIR");
    return one_spelling(fs::path(home) / ".local/share/stele");
}

std::vector<int> created_majors(const fs::path& base) {
    std::vector<int> majors;
    std::error_code error;
    for (fs::directory_iterator entry(base, error), end; !error && entry != end; entry.increment(error)) {
        const std::string name = entry->path().filename().string();
        int major = 0;
        const auto [last, status] = std::from_chars(name.data(), name.data() + name.size(), major);
        const bool number = status == std::errc() && last == name.data() + name.size();
        if (number && major > 0) majors.push_back(major);
    }
    std::sort(majors.begin(), majors.end());
    return majors;
}

fs::path socket_directory(const ClusterDirectory& directory, uid_t owner) {
    fs::path beside = directory.path / "run";
    // libpq and the server read a comma as the end of a name and trim or unquote these others
    const bool plain = beside.native().find_first_of(",\" \t\n") == std::string::npos;
    if (plain && beside.native().size() <= kLongestSocketDirectory) return beside;
    return fmt::format("/tmp/stele-{}-{:016x}", owner, stable_hash(directory.path.native()));
}

fs::path make_private_directory(const std::string& prefix, const Account& owner) {
    std::string name = prefix + "XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) {
        fail_cluster(fmt::format("cannot create a directory in {}: {}: choose another place with STELE_DATA_DIR",
                                 fs::path(prefix).parent_path().string(), error_text(errno)));
    }
    ::chmod(name.c_str(), 0700);  // a umask may have taken the owner's own rights
    if (::geteuid() == 0 && ::lchown(name.c_str(), owner.uid, owner.gid) != 0) {
        const int error = errno;
        ::rmdir(name.c_str());
        fail_cluster(fmt::format("cannot give {} to {}: {}", name, owner.name, error_text(error)));
    }
    return name;
}

// Moved into its place when it has its owner, so that another process never meets one of the wrong owner.
void make_socket_directory(const fs::path& path, const Account& owner) {
    if (!fs::exists(fs::symlink_status(path))) {
        const fs::path fresh = make_private_directory(path.string() + ".", owner);
        if (::renameat2(AT_FDCWD, fresh.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) == 0) return;
        const int error = errno;
        ::rmdir(fresh.c_str());
        if (error != EEXIST) fail_cluster(fmt::format("cannot create {}: {}", path.string(), error_text(error)));
    }
    struct stat status{};
    if (::lstat(path.c_str(), &status) != 0)
        fail_cluster(fmt::format("cannot read {}: {}", path.string(), error_text(errno)));
    if (!S_ISDIR(status.st_mode) || status.st_uid != owner.uid || (status.st_mode & 077) != 0) {
        fail_cluster(
            fmt::format("{} is not a directory that only {} can enter, so the server's socket would not be safe "
                        "in it: remove it",
                        path.string(), owner.name));
    }
}

Account cluster_owner(const ClusterOptions& options, const fs::path& directory) {
    struct stat status{};
    const bool exists = ::lstat(directory.c_str(), &status) == 0;
    if (exists && !S_ISDIR(status.st_mode)) fail_cluster(fmt::format("{} is not a directory", directory.string()));
    const uid_t self = ::geteuid();
    if (self != 0) {
        Account account = known_account(self);
        if (!options.account.empty() && options.account != account.name) {
            fail_cluster(fmt::format("only root can run the cluster as another account ('{}')", options.account));
        }
        if (exists && status.st_uid != self) {
            fail_cluster(
                fmt::format("{} belongs to user {}: run as that user or as root, or choose another directory "
                            "with STELE_DATA_DIR",
                            directory.string(), name_of(status.st_uid)));
        }
        return account;
    }
    std::optional<Account> account;
    if (!options.account.empty()) {
        account = account_named(options.account);
    } else if (exists) {
        account = known_account(status.st_uid);
    } else {
        account = account_named("postgres");
        if (!account) account = account_named("nobody");
    }
    const std::string wanted = options.account.empty() ? "nobody" : options.account;
    if (!account) fail_cluster(fmt::format("account '{}' does not exist: create it, or name another one", wanted));
    if (account->uid == 0) {
        fail_cluster(fmt::format("{} would belong to root, and PostgreSQL does not run as root: {}", directory.string(),
                                 exists ? "give it to another account with chown -R" : "name another account"));
    }
    if (exists && status.st_uid != account->uid) {
        fail_cluster(fmt::format("{} belongs to user {}, not to '{}': name that account, or choose another directory",
                                 directory.string(), name_of(status.st_uid), account->name));
    }
    return *std::move(account);
}

void check_reachable(const fs::path& directory, const Account& owner) {
    if (::geteuid() != 0) return;
    Command command;
    command.account = &owner;
    command.arguments = {"/bin/sh", "-c", "cd -- \"$1\"", "sh", directory.string()};
    if (Process(command).wait() == 0) return;
    fs::path parent;
    for (const fs::path& part : directory) {
        parent /= part;
        struct stat status{};
        if (::stat(parent.c_str(), &status) != 0 || may_enter(status, owner)) continue;
        fail_cluster(
            fmt::format("account '{}', which runs the server for root, cannot enter {} (mode {:04o}): choose another "
                        "directory with STELE_DATA_DIR, or allow it with 'chmod o+x'",
                        owner.name, parent.string(), status.st_mode & 07777));
    }
    fail_cluster(
        fmt::format("account '{}', which runs the server for root, cannot enter {}: choose another directory "
                    "with STELE_DATA_DIR",
                    owner.name, directory.string()));
}

void make_directories(const fs::path& path) {
    // root's directories hold another account's, which must be able to pass whatever the umask
    const mode_t mode = ::geteuid() == 0 ? 0755 : 0700;
    fs::path partial;
    for (const fs::path& part : path.lexically_normal()) {
        partial /= part;
        struct stat status{};
        if (::stat(partial.c_str(), &status) == 0) {
            if (S_ISDIR(status.st_mode)) continue;
            fail_cluster(
                fmt::format("cannot use {} for the cluster: {} is not a directory", path.string(), partial.string()));
        }
        if (::mkdir(partial.c_str(), mode) == 0) {
            ::chmod(partial.c_str(), mode);
        } else if (errno != EEXIST) {
            fail_cluster(fmt::format("cannot create {}: {}: choose another directory with STELE_DATA_DIR",
                                     partial.string(), error_text(errno)));
        }
    }
}

FileDescriptor open_lock(const fs::path& path, const Account& owner) {
    const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;
    FileDescriptor file(::open(path.c_str(), flags | O_CREAT | O_EXCL, 0600));
    if (file) {
        ::fchmod(file.get(), 0600);  // whatever the umask
        if (::geteuid() == 0 && ::fchown(file.get(), owner.uid, owner.gid) != 0) {
            fail_cluster(fmt::format("cannot give {} to {}: {}", path.string(), owner.name, error_text(errno)));
        }
        return file;
    }
    if (errno == EEXIST) file = FileDescriptor(::open(path.c_str(), flags));
    if (!file) fail_cluster(fmt::format("cannot open {}: {}", path.string(), error_text(errno)));
    return file;
}

bool lock_is_held(const fs::path& path) {
    const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!file) return false;
    if (::flock(file.get(), LOCK_SH | LOCK_NB) != 0) return errno == EWOULDBLOCK;
    // said aloud, since a process forked meanwhile would hold a copy of the descriptor
    ::flock(file.get(), LOCK_UN);
    return false;
}

ServerFacts look_at_server(const ClusterDirectory& directory) {
    if (!lock_is_held(directory.server_lock())) return {};
    ServerFacts facts;
    facts.state = ServerState::busy;
    const auto file = parse_postmaster_file(read_file(directory.data() / "postmaster.pid"));
    if (!file || !is_living_postgres(file->pid)) return facts;
    facts.pid = file->pid;
    if (file->ready) facts.state = ServerState::ready;
    return facts;
}

std::optional<PostmasterFile> parse_postmaster_file(const std::string& content) {
    std::istringstream lines(content);
    std::string line;
    PostmasterFile file;
    constexpr int kStatusLine = 8;
    for (int number = 1; std::getline(lines, line); ++number) {
        if (number == 1 && std::from_chars(line.data(), line.data() + line.size(), file.pid).ec != std::errc()) {
            return std::nullopt;
        }
        if (number == kStatusLine) file.ready = line.starts_with("ready");
    }
    return file.pid > 0 ? std::optional<PostmasterFile>(file) : std::nullopt;
}

std::string read_file(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

void write_file(const fs::path& path, const std::string& content) {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file << content << std::flush;
    if (!file) fail_cluster(fmt::format("cannot write {}: {}", path.string(), error_text(errno)));
}

}  // namespace stele
