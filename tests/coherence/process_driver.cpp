#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "coherence/process.hpp"

extern char** environ;

namespace stele::test {

Process::Process(const std::string& program, const std::string& dsn, const std::string& schema,
                 const std::vector<std::string>& options) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) throw std::runtime_error("socketpair");
    socket_ = ends[0];
    std::vector<std::string> words = {program, dsn, schema};
    words.insert(words.end(), options.begin(), options.end());
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t files{};
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_adddup2(&files, ends[1], STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&files, ends[1], STDOUT_FILENO);
    const int failure = ::posix_spawn(&pid_, program.c_str(), &files, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&files);
    ::close(ends[1]);
    if (failure != 0) {
        ::close(socket_);
        throw std::runtime_error(program + " cannot be started");
    }
    try {
        hear();
    } catch (...) {
        end();
        throw;
    }
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)), socket_(std::exchange(other.socket_, -1)), heard_(std::move(other.heard_)) {}

void Process::end() noexcept {
    if (pid_ == 0) return;
    ::close(socket_);
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
}

void Process::tell(const std::string& order) {
    const std::string line = order + '\n';
    if (::send(socket_, line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size())) {
        throw std::runtime_error("the process has ended");
    }
}

std::string Process::hear() {
    constexpr int kPatienceMs = 120'000;
    while (heard_.find('\n') == std::string::npos) {
        pollfd entry{socket_, POLLIN, 0};
        const int ready = ::poll(&entry, 1, kPatienceMs);
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0) throw std::runtime_error("the process does not answer");
        std::array<char, 4096> buffer{};
        const ssize_t got = ::recv(socket_, buffer.data(), buffer.size(), 0);
        if (got <= 0) throw std::runtime_error("the process has ended: " + heard_);
        heard_.append(buffer.data(), static_cast<std::size_t>(got));
    }
    std::string line = heard_.substr(0, heard_.find('\n'));
    heard_.erase(0, line.size() + 1);
    constexpr std::string_view kError = "error ";
    if (line.starts_with(kError)) throw std::runtime_error(line.substr(kError.size()));
    return line;
}

Loaded Process::hear_load() {
    const std::string line = hear();
    const std::size_t blank = line.find(' ');
    return {line.substr(blank + 1), line.substr(0, blank) == "kept"};
}

void Process::hold() {
    ::kill(pid_, SIGSTOP);
    int status = 0;
    if (::waitpid(pid_, &status, WUNTRACED) != pid_ || !WIFSTOPPED(status)) {
        throw std::runtime_error("the process cannot be stopped");
    }
}

void Process::go_on() {
    ::kill(pid_, SIGCONT);
}

}  // namespace stele::test
