// A real PgBouncer before the test server, on a Unix socket in a directory of its own.
#pragma once

#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>

#include "stele/dsn.hpp"
#include "support/server.hpp"
#include "support/temporary_directory.hpp"

namespace stele::test {

struct PgBouncerSettings {
    std::string pool_mode = "transaction";
    int server_connections = 2;
    std::string more{};  ///< further lines of its configuration
};

/// Runs while it lives. Whoever connects is stele_test.
class PgBouncer {
public:
    explicit PgBouncer(const PgBouncerSettings& settings = {}) {
        const auto server = Dsn::parse(server_dsn()).parameters();
        sockets_ = server.at("host");
        std::ofstream(config()) << "[databases]\nstele_test = host=" << sockets_
                                << " port=" << (server.contains("port") ? server.at("port") : "5432")
                                << " dbname=stele_test user=stele_test\n[pgbouncer]\nlisten_port = 6432\n"
                                << "unix_socket_dir = " << directory_.path().string() << "\nauth_type = any\n"
                                << "pool_mode = " << settings.pool_mode
                                << "\ndefault_pool_size = " << settings.server_connections
                                << "\nmax_client_conn = 200\nlogfile = " << log() << '\n'
                                << settings.more << '\n';
        start();
    }
    PgBouncer(const PgBouncer&) = delete;
    PgBouncer& operator=(const PgBouncer&) = delete;
    ~PgBouncer() { stop(); }

    std::string dsn() const { return "host=" + directory_.path().string() + " port=6432 user=app dbname=stele_test"; }

    /// Its sessions at the server end with it, as does every client's connection.
    void stop() {
        if (process_ == 0) return;
        ::kill(process_, SIGKILL);
        ::waitpid(process_, nullptr, 0);
        process_ = 0;
        ::unlink(socket().c_str());
    }

    /// Again, after stop(). It ends with the thread that started it, too.
    void start() {
        struct stat owner{};  // root must not run it: take the account that runs the server
        if (::stat(sockets_.c_str(), &owner) != 0) throw std::runtime_error("no directory " + sockets_);
        const bool is_root = ::geteuid() == 0;
        if (is_root && ::chown(directory_.path().c_str(), owner.st_uid, owner.st_gid) != 0) {
            throw std::runtime_error("chown");
        }
        const std::string file = config();
        process_ = ::fork();
        if (process_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            const bool dropped = !is_root || (::setgroups(0, nullptr) == 0 && ::setgid(owner.st_gid) == 0 &&
                                              ::setuid(owner.st_uid) == 0);
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // forgotten when the account changes
            if (dropped) ::execl("/usr/sbin/pgbouncer", "pgbouncer", "-q", file.c_str(), nullptr);
            ::_exit(127);
        }
        for (int i = 0; i < 500; ++i) {
            if (answers()) return;
            int status = 0;
            if (::waitpid(process_, &status, WNOHANG) == process_) {
                process_ = 0;
                if (WIFEXITED(status) && WEXITSTATUS(status) == 127) {
                    throw std::runtime_error("there is no /usr/sbin/pgbouncer that can be run: run scripts/setup");
                }
                break;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        std::ostringstream said;
        said << std::ifstream(log()).rdbuf();
        stop();
        throw std::runtime_error("PgBouncer did not start: " + said.str());
    }

private:
    bool answers() const {
        const int client = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, socket().c_str(), sizeof address.sun_path - 1);
        const bool answers = ::connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
        ::close(client);
        return answers;
    }
    std::string socket() const { return (directory_.path() / ".s.PGSQL.6432").string(); }
    std::string config() const { return (directory_.path() / "pgbouncer.ini").string(); }
    std::string log() const { return (directory_.path() / "log").string(); }

    TemporaryDirectory directory_{place_of_sockets()};
    std::string sockets_;
    ::pid_t process_ = 0;
};

}  // namespace stele::test
