#include "model_program.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <system_error>
#include <thread>

#include "exit_code.hpp"

extern char** environ;

namespace stele::cli {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kShownLines = 6;

std::string reason(int number) {
    return std::generic_category().message(number);
}

/// What the program says, in memory: unlike a pipe it never makes the program wait for us.
class Transcript {
public:
    Transcript() : fd_(::memfd_create("stele", MFD_CLOEXEC)) {
        if (fd_ < 0) fail(ErrorCode::resources, fmt::format("cannot make a memory file: {}", reason(errno)));
    }
    Transcript(const Transcript&) = delete;
    Transcript& operator=(const Transcript&) = delete;
    ~Transcript() { ::close(fd_); }

    int descriptor() const noexcept { return fd_; }
    std::string text() const {
        std::string all;
        std::array<char, 4096> buffer{};
        for (off_t offset = 0;;) {
            const ssize_t count = ::pread(fd_, buffer.data(), buffer.size(), offset);
            if (count <= 0) return all;
            all.append(buffer.data(), static_cast<std::size_t>(count));
            offset += count;
        }
    }

private:
    int fd_;
};

class SpawnSettings {
public:
    SpawnSettings(const std::string& directory, int output) {
        ::posix_spawn_file_actions_init(&actions_);
        ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        ::posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
        ::posix_spawn_file_actions_adddup2(&actions_, output, STDERR_FILENO);
        ::posix_spawn_file_actions_addchdir_np(&actions_, directory.c_str());
        sigset_t none;
        sigset_t all;
        sigemptyset(&none);
        sigfillset(&all);
        ::posix_spawnattr_init(&attributes_);
        ::posix_spawnattr_setsigmask(&attributes_, &none);
        ::posix_spawnattr_setsigdefault(&attributes_, &all);
        ::posix_spawnattr_setpgroup(&attributes_, 0);
        ::posix_spawnattr_setflags(
            &attributes_, static_cast<short>(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP));
    }
    SpawnSettings(const SpawnSettings&) = delete;
    SpawnSettings& operator=(const SpawnSettings&) = delete;
    ~SpawnSettings() {
        ::posix_spawn_file_actions_destroy(&actions_);
        ::posix_spawnattr_destroy(&attributes_);
    }

    /// An error number, 0 for none.
    int spawn(pid_t& child, std::vector<std::string> words, std::vector<std::string> environment) const {
        return ::posix_spawnp(&child, words.front().c_str(), &actions_, &attributes_, pointers_to(words).data(),
                              pointers_to(environment).data());
    }

private:
    static std::vector<char*> pointers_to(std::vector<std::string>& strings) {
        std::vector<char*> all;
        for (std::string& text : strings) all.push_back(text.data());
        all.push_back(nullptr);
        return all;
    }

    posix_spawn_file_actions_t actions_{};
    posix_spawnattr_t attributes_{};
};

std::vector<std::string> environment_with(const std::filesystem::path& temporary) {
    std::vector<std::string> all;
    for (char** each = environ; *each != nullptr; ++each) {
        if (!std::string_view(*each).starts_with("TMPDIR=")) all.emplace_back(*each);
    }
    all.push_back("TMPDIR=" + temporary.string());
    return all;
}

/// A started program, which does not outlive this object.
class Child {
public:
    explicit Child(pid_t pid) : pid_(pid) {}
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() {
        if (ended_) return;
        constexpr int kPolite = 150;  // times 20 ms
        ::kill(-pid_, SIGTERM);
        for (int i = 0; i < kPolite && !has_ended(); ++i) std::this_thread::sleep_for(kPause);
        ::kill(-pid_, SIGKILL);
        while (!ended_ && ::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) continue;
    }

    bool has_ended() {
        if (ended_) return true;
        const pid_t got = ::waitpid(pid_, &status_, WNOHANG);
        ended_ = got == pid_ || (got < 0 && errno != EINTR);
        return ended_;
    }
    int status() const { return WIFEXITED(status_) ? WEXITSTATUS(status_) : 256 + WTERMSIG(status_); }

    static constexpr auto kPause = 20ms;

private:
    pid_t pid_;
    int status_ = 0;
    bool ended_ = false;
};

std::string last_lines(std::string_view text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
    std::size_t begin = text.size();
    for (std::size_t lines = 0; lines < kShownLines && begin != std::string_view::npos && begin > 0; ++lines) {
        begin = text.rfind('\n', begin - 1);
    }
    return std::string(begin == std::string_view::npos || begin == 0 ? text : text.substr(begin + 1));
}

}  // namespace

std::string ProgramEnd::failure() const {
    const std::string how = status < 256 ? fmt::format("ended with exit status {}", status)
                                         : fmt::format("was ended by signal {}", status - 256);
    const std::string said = last_lines(output);
    return said.empty() ? how : fmt::format("{}:\n{}", how, said);
}

ProgramEnd run_program(const ProgramCall& call, const Patience& patience) {
    const Transcript transcript;
    const SpawnSettings settings(call.directory.string(), transcript.descriptor());
    pid_t pid = 0;
    const int refused = settings.spawn(pid, call.words, environment_with(call.temporary));
    if (refused == EAGAIN || refused == ENOMEM) {
        fail(ErrorCode::resources, fmt::format("cannot run {}: {}", call.words.front(), reason(refused)));
    }
    if (refused != 0) return {-refused, {}};
    Child child(pid);
    while (!child.has_ended()) {
        patience.check();
        if (patience.deadline.expired()) {
            fail(ErrorCode::deadline_exceeded,
                 fmt::format("{} had not ended at the deadline, so it was stopped", call.words.front()));
        }
        std::this_thread::sleep_for(Child::kPause);
    }
    return {child.status(), transcript.text()};
}

}  // namespace stele::cli
