#include "postgres/cluster_run.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <string_view>
#include <thread>

#include "base/result.hpp"
#include "embedded/cluster_keeper.hpp"

namespace stele {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

// Waits a little longer each time, to a fiftieth of a second.
class Patience {
public:
    explicit Patience(Deadline deadline) noexcept : deadline_(deadline) {}
    /// False when the deadline has passed.
    bool wait() {
        if (deadline_.expired()) return false;
        std::this_thread::sleep_for(std::min<Deadline::Clock::duration>(pause_, deadline_.remaining()));
        pause_ = std::min<milliseconds>(pause_ + milliseconds(1), milliseconds(20));
        return true;
    }

private:
    Deadline deadline_;
    milliseconds pause_{2};
};

// True if it became the keeper; false if there is one already.
bool start_keeper(const ClusterSite& site) {
    check_reachable(site.directory.path, site.owner);
    make_socket_directory(site.sockets, site.owner);
    Command command;
    command.arguments = {
        "/bin/sh", "-s", "stele-keeper", site.directory.path.string(), site.programs.string(), site.sockets.string()};
    command.input = std::string(cluster_keeper().front().content);
    command.account = &site.owner;
    command.own_session = true;
    Process process(command);
    constexpr int kAnotherHasTheLock = 75;
    const int status = process.wait();
    if (status != 0 && status != kAnotherHasTheLock) {
        raise(ErrorCode::cluster, fmt::format("cannot start the keeper of {}:\n{}", site.directory.path.string(),
                                              last_lines(process.output(), 5)));
    }
    return status == 0;
}

std::string log_since(const fs::path& log, std::uintmax_t size_before) {
    const std::string text = read_file(log);
    return last_lines(text.size() > size_before ? text.substr(size_before) : text, 15);
}

std::uintmax_t size_of(const fs::path& path) {
    std::error_code error;
    const std::uintmax_t size = fs::file_size(path, error);
    return error ? 0 : size;
}

void ask_keeper_to_stop(const ClusterDirectory& directory) {
    const FileDescriptor fifo(::open(directory.keeper_fifo().c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW));
    constexpr std::string_view kRequest = "stop\n";
    // a keeper that does not listen yet, or any more, is asked again
    if (fifo && ::write(fifo.get(), kRequest.data(), kRequest.size()) < 0) return;
}

// Without a keeper, its lock is taken in its place, so that nobody starts the server meanwhile.
void stop_without_keeper(const ClusterDirectory& directory) {
    const FileDescriptor lock(::open(directory.keeper_lock().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!lock || ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) return;
    const ServerFacts server = look_at_server(directory);
    if (server.pid > 0 && ::kill(server.pid, SIGINT) != 0 && errno == EPERM) {
        raise(ErrorCode::cluster,
              fmt::format("cannot stop the server, process {}: it belongs to another user", server.pid));
    }
    ::flock(lock.get(), LOCK_UN);
}

}  // namespace

void run_server(const ClusterSite& site, Deadline deadline) {
    const std::uintmax_t log_size = size_of(site.directory.log());
    Patience patience(deadline);
    RunFacts facts;
    for (;;) {
        facts.keeper = lock_is_held(site.directory.keeper_lock());
        facts.server = look_at_server(site.directory).state;
        switch (next_run_step(facts)) {
            case RunStep::done: return;
            case RunStep::start_keeper:
                if (start_keeper(site)) ++facts.keepers_started;
                break;
            case RunStep::give_up:
                raise(ErrorCode::cluster,
                      fmt::format("the PostgreSQL server in {} does not start. Its log ({}) ends:\n{}",
                                  site.directory.path.string(), site.directory.log().string(),
                                  log_since(site.directory.log(), log_size)));
            case RunStep::wait: break;
        }
        if (!patience.wait()) {
            // who has more time finds it ready
            ErrorInfo late =
                make_error(ErrorCode::unavailable,
                           fmt::format("the PostgreSQL server in {} was not ready in time. Its log ({}) ends:\n{}",
                                       site.directory.path.string(), site.directory.log().string(),
                                       log_since(site.directory.log(), log_size)));
            late.retry = Retry::call;
            throw Error(std::move(late));
        }
    }
}

bool stop_server(const ClusterDirectory& directory, Deadline deadline) {
    Patience patience(deadline);
    Deadline ask_again = Deadline::after(milliseconds(0));
    for (bool ran = false;; ran = true) {
        const bool keeper = lock_is_held(directory.keeper_lock());
        const ServerFacts server = look_at_server(directory);
        if (!keeper && server.state == ServerState::absent) return ran;
        if (ask_again.expired()) {
            if (keeper) ask_keeper_to_stop(directory);
            if (!keeper) stop_without_keeper(directory);
            ask_again = Deadline::after(milliseconds(keeper ? 500 : 50));
        }
        if (!patience.wait()) {
            raise(ErrorCode::cluster, fmt::format("the PostgreSQL server in {} (process {}) has not stopped in time",
                                                  directory.path.string(), server.pid));
        }
    }
}

}  // namespace stele
