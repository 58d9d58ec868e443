#include "companion.hpp"

#include <fmt/core.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string_view>
#include <system_error>

extern char** environ;

namespace stele::bench {
namespace {

std::string reason(int number) {
    return std::generic_category().message(number);
}

}  // namespace

Companion::Companion(const std::vector<std::string>& words) : name_(words.front()) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        throw std::runtime_error(fmt::format("cannot make a socket: {}", reason(errno)));
    }
    std::vector<char*> arguments;
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions{};
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    const int refused = ::posix_spawnp(&pid_, arguments.front(), &actions, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    socket_ = ends[0];
    if (refused != 0) {
        ::close(socket_);
        throw std::runtime_error(fmt::format("cannot run {}: {}", name_, reason(refused)));
    }
}

Companion::~Companion() {
    ::close(socket_);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) continue;
}

nlohmann::json Companion::ask(const nlohmann::json& question) {
    const std::string line = question.dump() + "\n";
    for (std::string_view rest = line; !rest.empty();) {
        const ssize_t sent = ::send(socket_, rest.data(), rest.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) throw std::runtime_error(fmt::format("{} has ended: {}", name_, reason(errno)));
        rest.remove_prefix(static_cast<std::size_t>(sent));
    }
    std::string text;
    while (!text.ends_with('\n')) {
        std::array<char, 65536> buffer;
        const ssize_t got = ::recv(socket_, buffer.data(), buffer.size(), 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) throw std::runtime_error(fmt::format("{} ended without an answer", name_));
        text.append(buffer.data(), static_cast<std::size_t>(got));
    }
    nlohmann::json answer = nlohmann::json::parse(text);
    if (answer.contains("error")) {
        throw std::runtime_error(fmt::format("{}: {}", name_, answer["error"].get<std::string>()));
    }
    return answer;
}

}  // namespace stele::bench
