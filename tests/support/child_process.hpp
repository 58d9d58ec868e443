// A process beside the test's.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>

namespace stele::test {

/// A process that runs a function; what it writes with say() is read with hear(). Killed at the end of its scope.
class ChildProcess {
public:
    using Say = std::function<void(const std::string&)>;

    explicit ChildProcess(const std::function<void(const Say&)>& work) {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
        pid_ = ::fork();
        if (pid_ == 0) {
            ::close(ends[0]);
            const auto say = [&](const std::string& text) {
                const std::string line = text + "\n";
                if (::write(ends[1], line.data(), line.size()) < 0) ::_exit(2);
            };
            try {
                work(say);
            } catch (const std::exception& error) {
                std::string text = error.what();
                for (char& letter : text) letter = letter == '\n' ? ' ' : letter;
                say(text);
                ::_exit(1);
            }
            ::_exit(0);
        }
        ::close(ends[1]);
        reader_ = ::fdopen(ends[0], "r");
    }
    ChildProcess(ChildProcess&& other) noexcept
        : pid_(std::exchange(other.pid_, -1)), reader_(std::exchange(other.reader_, nullptr)) {}
    ChildProcess& operator=(ChildProcess&&) = delete;
    ~ChildProcess() {
        kill();
        if (reader_ != nullptr) ::fclose(reader_);
    }

    /// The next line, waited for; empty when it ended without one.
    std::string hear() {
        std::string line;
        for (int letter = std::fgetc(reader_); letter != EOF && letter != '\n'; letter = std::fgetc(reader_)) {
            line += static_cast<char>(letter);
        }
        return line;
    }
    void kill() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = -1;
    }
    /// It stands still until go_on(), and no longer than it lives.
    void hold() { ::kill(pid_, SIGSTOP); }
    void go_on() { ::kill(pid_, SIGCONT); }
    bool succeeded() {
        int status = 0;
        ::waitpid(pid_, &status, 0);
        pid_ = -1;
        return WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }

private:
    pid_t pid_ = -1;
    std::FILE* reader_ = nullptr;
};

}  // namespace stele::test
