#include "postgres/cluster_process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "base/result.hpp"
#include "base/system.hpp"

namespace stele {
namespace {

constexpr int kKeptNumber = 3;
constexpr int kUnknownEnd = 511;

// Numbers above the standard three, so that wiring them up in the child never overwrites one that is still needed, also
// in a program that closed its own standard streams.
FileDescriptor above_standard(int fd) {
    const FileDescriptor low(fd);
    FileDescriptor high(::fcntl(low.get(), F_DUPFD_CLOEXEC, 10));
    if (!high) raise(ErrorCode::cluster, fmt::format("cannot duplicate a file descriptor: {}", error_text(errno)));
    return high;
}

FileDescriptor memory_file(const std::string& content) {
    FileDescriptor file = above_standard(::memfd_create("stele", MFD_CLOEXEC));
    std::size_t done = 0;
    while (done < content.size()) {
        const ssize_t count = ::write(file.get(), content.data() + done, content.size() - done);
        if (count < 0) raise(ErrorCode::cluster, fmt::format("cannot write a memory file: {}", error_text(errno)));
        done += static_cast<std::size_t>(count);
    }
    ::lseek(file.get(), 0, SEEK_SET);
    return file;
}

std::vector<std::string> with_account(const Command& command) {
    std::vector<std::string> all;
    const bool drop = command.account != nullptr && ::geteuid() == 0;
    if (drop || command.end_with_us) {
        all.emplace_back("/usr/bin/setpriv");
        if (drop) {
            all.push_back(fmt::format("--reuid={}", command.account->uid));
            all.push_back(fmt::format("--regid={}", command.account->gid));
            all.emplace_back("--clear-groups");
        }
        if (command.end_with_us) all.emplace_back("--pdeathsig=INT");
        all.emplace_back("--");
    }
    all.insert(all.end(), command.arguments.begin(), command.arguments.end());
    return all;
}

// The user's settings of PG* and locale must not change what the programs do; the time zone and a private library path
// may.
std::vector<std::string> clean_environment() {
    std::vector<std::string> all{"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C"};
    for (const char* name : {"TZ", "LD_LIBRARY_PATH"}) {
        if (const char* value = std::getenv(name)) all.push_back(fmt::format("{}={}", name, value));
    }
    return all;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
    std::vector<char*> all;
    all.reserve(strings.size() + 1);
    for (std::string& text : strings) all.push_back(text.data());
    all.push_back(nullptr);
    return all;
}

struct SpawnSettings {
    posix_spawn_file_actions_t actions{};
    posix_spawnattr_t attributes{};

    SpawnSettings(int input, int output, int keep, bool own_session) {
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
        ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
        ::posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
        if (keep >= 0) ::posix_spawn_file_actions_adddup2(&actions, keep, kKeptNumber);
        ::posix_spawn_file_actions_addclosefrom_np(&actions, keep >= 0 ? kKeptNumber + 1 : kKeptNumber);
        ::posix_spawn_file_actions_addchdir_np(&actions, "/");

        sigset_t none;
        sigset_t all;
        sigemptyset(&none);
        sigfillset(&all);
        ::posix_spawnattr_init(&attributes);
        ::posix_spawnattr_setsigmask(&attributes, &none);
        ::posix_spawnattr_setsigdefault(&attributes, &all);
        int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
        if (own_session) flags |= POSIX_SPAWN_SETSID;
        ::posix_spawnattr_setflags(&attributes, static_cast<short>(flags));
    }
    SpawnSettings(const SpawnSettings&) = delete;
    SpawnSettings& operator=(const SpawnSettings&) = delete;
    ~SpawnSettings() {
        ::posix_spawn_file_actions_destroy(&actions);
        ::posix_spawnattr_destroy(&attributes);
    }
};

}  // namespace

Process::Process(const Command& command)
    : program_(command.arguments.front()), output_(above_standard(::memfd_create("stele", MFD_CLOEXEC))) {
    const FileDescriptor input = memory_file(command.input);
    std::vector<std::string> arguments = with_account(command);
    std::vector<std::string> environment = clean_environment();
    const FileDescriptor keep = command.keep < 0 ? FileDescriptor() : above_standard(::dup(command.keep));
    const SpawnSettings settings(input.get(), output_.get(), keep.get(), command.own_session);
    const int error = ::posix_spawn(&pid_, arguments.front().c_str(), &settings.actions, &settings.attributes,
                                    pointers(arguments).data(), pointers(environment).data());
    if (error != 0) {
        raise(ErrorCode::cluster, fmt::format("cannot run {}: {}", arguments.front(), error_text(error)));
    }
}

bool Process::reap(int flags) noexcept {
    if (status_ >= 0) return true;
    int status = 0;
    pid_t got = 0;
    do {
        got = ::waitpid(pid_, &status, flags);
    } while (got < 0 && errno == EINTR);
    if (got == 0) return false;
    if (got < 0) {
        status_ = kUnknownEnd;  // SIGCHLD is ignored in this process, or somebody else waited for it
        return true;
    }
    status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
    return true;
}

int Process::wait() noexcept {
    reap(0);
    return status_;
}

bool Process::ended() noexcept {
    return reap(WNOHANG);
}

std::string Process::output() const {
    std::string text;
    std::array<char, 4096> buffer{};
    off_t offset = 0;
    for (;;) {
        const ssize_t count = ::pread(output_.get(), buffer.data(), buffer.size(), offset);
        if (count <= 0) return text;
        text.append(buffer.data(), static_cast<std::size_t>(count));
        offset += count;
    }
}

void Process::signal(int number) const noexcept {
    if (status_ < 0) ::kill(pid_, number);
}

std::string run_command(const Command& command, const std::string& purpose) {
    Process process(command);
    const int status = process.wait();
    std::string output = process.output();
    if (status == 0) return output;
    const std::string how = status == kUnknownEnd ? std::string("in a way that this process could not learn")
                            : status < 256        ? fmt::format("with exit status {}", status)
                                                  : fmt::format("by signal {}", status - 256);
    raise(ErrorCode::cluster,
          fmt::format("{}: {} ended {}:\n{}", purpose, command.arguments.front(), how, last_lines(output, 15)));
}

std::string last_lines(const std::string& text, int lines) {
    std::size_t end = text.find_last_not_of('\n');
    if (end == std::string::npos) return {};
    std::size_t begin = ++end;
    for (; lines > 0 && begin != std::string::npos && begin > 0; --lines) begin = text.rfind('\n', begin - 1);
    begin = begin == std::string::npos ? 0 : begin;
    if (begin < end && text[begin] == '\n') ++begin;
    return text.substr(begin, end - begin);
}

}  // namespace stele
