#include "cli/stele_command.hpp"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string_view>

extern char** environ;

namespace stele::test {
namespace {

bool names_a_server(std::string_view variable) {
    return variable.starts_with("PG") || variable.starts_with("POSTGRES_") || variable.starts_with("STELE_");
}

Environment clean_environment() {
    Environment clean;
    for (char** each = environ; *each != nullptr; ++each) {
        const std::string_view entry = *each;
        const std::string_view name = entry.substr(0, entry.find('='));
        if (names_a_server(name) && name != "STELE_PG_BINDIR" && name != "STELE_MODELS") continue;
        if (name == "OPENAI_API_KEY" || name == "NO_COLOR") continue;
        clean.emplace(name, entry.substr(std::min(entry.size(), name.size() + 1)));
    }
    return clean;
}

/// A file that is gone when it is closed: unlike a pipe, it never makes anybody wait.
class TemporaryFile {
public:
    explicit TemporaryFile(const std::string& content = {}) : file_(std::tmpfile()) {
        if (file_ == nullptr) throw std::runtime_error("no temporary file");
        std::fwrite(content.data(), 1, content.size(), file_);
        std::rewind(file_);
    }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    ~TemporaryFile() { std::fclose(file_); }

    int descriptor() const { return ::fileno(file_); }
    std::string content() const {
        std::string text;
        std::array<char, 4096> buffer{};
        std::rewind(file_);
        for (std::size_t count = 0; (count = std::fread(buffer.data(), 1, buffer.size(), file_)) > 0;) {
            text.append(buffer.data(), count);
        }
        return text;
    }

private:
    std::FILE* file_;
};

std::vector<char*> pointers_to(std::vector<std::string>& words) {
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    return pointers;
}

}  // namespace

Outcome run_program(const std::vector<std::string>& words, const Environment& environment, const std::string& input) {
    Environment all = clean_environment();
    for (const auto& [name, value] : environment) all.insert_or_assign(name, value);
    std::vector<std::string> arguments = words, variables;
    for (const auto& [name, value] : all) variables.push_back(name + "=" + value);

    const TemporaryFile in(input), out, err;
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, in.descriptor(), STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, out.descriptor(), STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, err.descriptor(), STDERR_FILENO);
    pid_t child = 0;
    const int failure = ::posix_spawnp(&child, arguments.front().c_str(), &files, nullptr,
                                       pointers_to(arguments).data(), pointers_to(variables).data());
    posix_spawn_file_actions_destroy(&files);
    if (failure != 0) throw std::runtime_error("cannot run " + arguments.front());
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    const int exit = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return {exit, out.content(), err.content()};
}

Outcome run_stele(const std::vector<std::string>& arguments, const Environment& environment, const std::string& input) {
    std::vector<std::string> words = {STELE_COMMAND};
    words.insert(words.end(), arguments.begin(), arguments.end());
    return run_program(words, environment, input);
}

}  // namespace stele::test
