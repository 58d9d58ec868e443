// The command as it runs, for tests of those that go on until they are stopped.
#pragma once

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/server.hpp"

extern char** environ;

namespace stele::test {

/// With --json, its standard output on a pipe, on the test server.
class Watching {
public:
    Watching(const Server& server, std::vector<std::string> words, const std::string& dsn = server_dsn()) {
        words.insert(words.begin(), STELE_COMMAND);
        // it ends by itself should the test not end it
        words.insert(words.end(), {"--json", "--deadline", "60", "--dsn", dsn, "--schema", server.schema()});
        std::vector<char*> arguments;
        for (std::string& word : words) arguments.push_back(word.data());
        arguments.push_back(nullptr);
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
        posix_spawn_file_actions_t files;
        posix_spawn_file_actions_init(&files);
        posix_spawn_file_actions_adddup2(&files, ends[1], STDOUT_FILENO);
        const int failure = ::posix_spawn(&pid_, STELE_COMMAND, &files, nullptr, arguments.data(), environ);
        posix_spawn_file_actions_destroy(&files);
        ::close(ends[1]);
        lines_ = ::fdopen(ends[0], "r");
        if (failure != 0) throw std::runtime_error("posix_spawn");
    }
    Watching(const Watching&) = delete;
    Watching& operator=(const Watching&) = delete;
    ~Watching() {
        if (pid_ > 0) end(SIGKILL);
        std::fclose(lines_);
    }

    /// The next line, waited for; null at the end.
    nlohmann::json next() {
        std::string line;
        for (int letter = 0; (letter = std::fgetc(lines_)) != EOF && letter != '\n';) line += static_cast<char>(letter);
        return line.empty() ? nlohmann::json() : nlohmann::json::parse(line);
    }
    /// Its exit status.
    int end(int signal) {
        ::kill(pid_, signal);
        int status = 0;
        ::waitpid(pid_, &status, 0);
        pid_ = 0;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }

private:
    pid_t pid_ = 0;
    std::FILE* lines_ = nullptr;
};

}  // namespace stele::test
