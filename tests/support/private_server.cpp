#include "support/private_server.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace stele::test {
namespace {

using namespace std::chrono_literals;

std::string contents(const std::filesystem::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

}  // namespace

PrivateServer::PrivateServer() {
    shell("pg_own \"$1\" && pg_own \"$2\" && pg_make \"$1\" \"$2\" fast");
    start();
}

PrivateServer::PrivateServer(ReplicaOf replica) {
    shell("pg_own \"$1\" && pg_own \"$2\" && (pg_as \"$bindir/pg_basebackup\" -R -X stream -c fast -U stele_test -h '" +
          replica.primary.host() +
          "' -D \"$1/data\") && "
          "echo \"unix_socket_directories = '$2'\" >>\"$1/data/postgresql.conf\"");
    start();
}

PrivateServer::~PrivateServer() {
    if (pid_ != 0) stop(Stop::immediate);
}

void PrivateServer::shell(const std::string& command) const {
    int status = 0;
    const pid_t pid = run("exec >\"$1/said\" 2>&1; bindir=$(pg_bindir) && cd / && " + command);
    if (::waitpid(pid, &status, 0) != pid || status != 0) {
        throw std::runtime_error(command + ": " + contents(data_.path() / "said"));
    }
}

void PrivateServer::back_up() {
    shell(
        "rm -rf \"$1/backup\" && (pg_as \"$bindir/pg_basebackup\" -X stream -c fast -U stele_test -h \"$2\" -D "
        "\"$1/backup\")");
}

void PrivateServer::restore() {
    shell("rm -rf \"$1/data\" && cp -a \"$1/backup\" \"$1/data\"");
}

pid_t PrivateServer::run(const std::string& command) const {
    std::string text = ". " STELE_SOURCE_DIR "/scripts/lib/postgres.sh && " + command;
    std::string bash = "bash", option = "-c";
    std::string data = data_.path().string(), sockets = sockets_.path().string();
    char* arguments[] = {bash.data(), option.data(), text.data(), bash.data(), data.data(), sockets.data(), nullptr};
    posix_spawn_file_actions_t files{};
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    pid_t pid = 0;
    const int failure = ::posix_spawnp(&pid, "bash", &files, nullptr, arguments, environ);
    ::posix_spawn_file_actions_destroy(&files);
    if (failure != 0) throw std::runtime_error("bash cannot be started");
    return pid;
}

void PrivateServer::start() {
    // pg_as replaces the shell: the server is this process's own child
    pid_ = run("bindir=$(pg_bindir) && cd / && pg_as \"$bindir/postgres\" -D \"$1/data\" >>\"$1/log\" 2>&1");
    for (const auto end = std::chrono::steady_clock::now() + 60s; std::chrono::steady_clock::now() < end;
         std::this_thread::sleep_for(5ms)) {
        if (state().starts_with("ready")) return;
        int status = 0;
        if (::waitpid(pid_, &status, WNOHANG) == pid_) {
            pid_ = 0;
            break;
        }
    }
    throw std::runtime_error("the server did not start: " + contents(data_.path() / "log"));
}

void PrivateServer::stop(Stop how) {
    ::kill(pid_, how == Stop::fast ? SIGINT : SIGQUIT);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = 0;
}

std::string PrivateServer::state() const {
    // the first line is the process, the eighth the state: what pg_ctl waits for
    std::ifstream file(data_.path() / "data" / "postmaster.pid");
    std::string line;
    for (int number = 1; std::getline(file, line); ++number) {
        if (number == 1 && line != std::to_string(pid_)) return {};
        if (number == 8) return line;
    }
    return {};
}

}  // namespace stele::test
