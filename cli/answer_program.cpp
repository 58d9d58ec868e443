#include "answer_program.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

#include "exit_code.hpp"
#include "interrupt_guard.hpp"

extern char** environ;

namespace stele::cli {
namespace {

std::string reason(int number) {
    return std::generic_category().message(number);
}

/// A started program, and the end of the pipe that it writes to.
class Program {
public:
    explicit Program(std::vector<std::string>& words) {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
            fail(ErrorCode::resources, fmt::format("cannot make a pipe: {}", reason(errno)));
        }
        output_ = ends[0];
        const int refused = spawn(words, ends[1]);
        ::close(ends[1]);
        if (refused == 0) return;
        ::close(output_);
        refuse(fmt::format("cannot run {}: {}", words.front(), reason(refused)));
    }
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;
    ~Program() {
        ::close(output_);
        if (pid_ <= 0) return;
        ::kill(pid_, SIGTERM);
        wait();
    }

    /// What it has written by now; empty at the end.
    std::string_view read() {
        for (;;) {
            pollfd polled{output_, POLLIN, 0};
            constexpr int kNap = 50;  // ms
            const int ready = ::poll(&polled, 1, kNap);
            if (const int signal = InterruptGuard::caught();
                signal != 0 && std::exchange(passed_on_, signal) != signal) {
                ::kill(pid_, signal);
            }
            if (ready <= 0) continue;
            const ssize_t count = ::read(output_, buffer_.data(), buffer_.size());
            if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
            return {buffer_.data(), count > 0 ? static_cast<std::size_t>(count) : 0};
        }
    }
    int wait() {
        int status = 0;
        while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) continue;
        pid_ = 0;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }

private:
    int spawn(std::vector<std::string>& words, int output) {
        std::vector<char*> pointers;
        for (std::string& word : words) pointers.push_back(word.data());
        pointers.push_back(nullptr);
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
        ::posix_spawnattr_init(&attributes);
        sigset_t none, all;
        sigemptyset(&none);
        sigfillset(&all);
        ::posix_spawnattr_setsigmask(&attributes, &none);
        ::posix_spawnattr_setsigdefault(&attributes, &all);
        ::posix_spawnattr_setflags(&attributes, static_cast<short>(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
        const int refused = ::posix_spawnp(&pid_, pointers[0], &actions, &attributes, pointers.data(), environ);
        ::posix_spawn_file_actions_destroy(&actions);
        ::posix_spawnattr_destroy(&attributes);
        if (refused != 0) pid_ = 0;
        return refused;
    }

    pid_t pid_ = 0;
    int output_ = -1;
    int passed_on_ = 0;
    std::array<char, 65'536> buffer_{};
};

/// Without a newline at its end, and without the beginning of a character whose rest is still to come.
std::size_t complete(std::string_view text) {
    constexpr std::size_t kLongest = 4;
    std::size_t end = text.size();
    for (std::size_t back = 1; back < kLongest && back <= text.size(); ++back) {
        const auto byte = static_cast<unsigned char>(text[text.size() - back]);
        if ((byte & 0xC0U) == 0x80U) continue;
        const std::size_t length = byte >= 0xF0U ? 4 : byte >= 0xE0U ? 3 : byte >= 0xC0U ? 2 : 1;
        if (length > back) end = text.size() - back;
        break;
    }
    return end > 0 && end == text.size() && text.back() == '\n' ? end - 1 : end;
}

}  // namespace

int run_for_answer(std::vector<std::string> words, const std::function<void(std::string_view)>& piece) {
    const InterruptGuard guard{SIGINT, SIGTERM};
    Program program(words);
    std::string kept;
    for (std::string_view read = program.read(); !read.empty(); read = program.read()) {
        kept += read;
        const std::size_t end = complete(kept);
        if (end > 0) piece(std::string_view(kept).substr(0, end));
        kept.erase(0, end);
    }
    if (!kept.empty() && kept != "\n") piece(kept);
    return program.wait();
}

}  // namespace stele::cli
