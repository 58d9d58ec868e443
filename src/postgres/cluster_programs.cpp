#include "postgres/cluster_programs.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <string>

#include "base/result.hpp"
#include "base/system.hpp"
#include "postgres/cluster_process.hpp"

namespace stele {
namespace {

namespace fs = std::filesystem;

bool is_program(const fs::path& path) {
    std::error_code ignored;
    return fs::is_regular_file(path, ignored) && ::access(path.c_str(), X_OK) == 0;
}

bool has_server(const fs::path& directory) {
    return is_program(directory / "postgres") && is_program(directory / "initdb");
}

int major_of(const fs::path& directory) {
    Command command;
    command.arguments = {(directory / "postgres").string(), "--version"};
    const std::string version = run_command(command, "asking for the version of PostgreSQL");
    if (const auto major = parse_major(version)) return *major;
    raise(ErrorCode::cluster, fmt::format("{}/postgres is not a PostgreSQL server: its version is '{}'",
                                          directory.string(), last_lines(version, 1)));
}

std::map<int, fs::path> installed_majors(const fs::path& root) {
    std::map<int, fs::path> found;
    std::error_code error;
    for (fs::directory_iterator entry(root, error), end; !error && entry != end; entry.increment(error)) {
        const std::string name = entry->path().filename().string();
        int major = 0;
        const auto [last, status] = std::from_chars(name.data(), name.data() + name.size(), major);
        const bool number = status == std::errc() && last == name.data() + name.size();
        if (number && has_server(entry->path() / "bin")) found[major] = entry->path() / "bin";
    }
    return found;
}

fs::path found_on_path(std::string_view program) {
    const char* path = std::getenv("PATH");
    std::string_view rest = path == nullptr ? "" : path;
    while (!rest.empty()) {
        const std::size_t colon = rest.find(':');
        const fs::path candidate = fs::path(rest.substr(0, colon)) / program;
        if (candidate.is_absolute() && is_program(candidate)) return candidate;
        rest = colon == std::string_view::npos ? std::string_view() : rest.substr(colon + 1);
    }
    return {};
}

fs::path elsewhere() {
    if (const fs::path config = found_on_path("pg_config"); !config.empty()) {
        Command command;
        command.arguments = {config.string(), "--bindir"};
        fs::path directory = last_lines(run_command(command, "asking pg_config for the programs"), 1);
        if (has_server(directory)) return directory;
    }
    std::error_code ignored;
    const fs::path server = fs::canonical(found_on_path("postgres"), ignored);
    return !server.empty() && has_server(server.parent_path()) ? server.parent_path() : fs::path();
}

}  // namespace

fs::path Programs::of(int major) const {
    const auto found = directories.find(major);
    return found == directories.end() ? fs::path() : found->second;
}

fs::path own_servers() {
    if (::geteuid() == 0) return "/var/lib/stele/server";
    // the XDG specification has relative paths ignored
    if (const fs::path data = environment("XDG_DATA_HOME"); data.is_absolute()) return data / "stele" / "server";
    const fs::path home = environment("HOME");
    return home.is_absolute() ? home / ".local" / "share" / "stele" / "server" : fs::path();
}

Programs find_programs(const fs::path& named, const fs::path& installed, const fs::path& own) {
    Programs programs;
    programs.directories = installed_majors(installed);
    for (auto& [major, directory] : programs.directories) {
        if (own.empty()) break;
        // the tree is laid out as the packages lay out the whole system
        const fs::path tree = own / std::to_string(major) / directory.relative_path();
        if (has_server(tree)) directory = tree;
    }
    if (!programs.directories.empty()) programs.preferred = programs.directories.rbegin()->first;

    const char* variable = std::getenv("STELE_PG_BINDIR");
    fs::path chosen = named.empty() && variable != nullptr ? fs::path(variable) : named;
    if (!chosen.empty()) {
        chosen = fs::absolute(chosen);
        if (!has_server(chosen)) {
            raise(ErrorCode::cluster,
                  fmt::format("{} holds no PostgreSQL server programs (postgres and initdb): name the right directory, "
                              "or install them with 'apt-get install postgresql'",
                              chosen.string()));
        }
    } else if (programs.preferred == 0) {
        chosen = elsewhere();
    }
    if (!chosen.empty()) {
        programs.preferred = major_of(chosen);
        programs.directories[programs.preferred] = chosen;
    }
    return programs;
}

std::optional<int> parse_major(std::string_view version) {
    constexpr std::string_view kName = "(PostgreSQL) ";
    const std::size_t name = version.find(kName);
    if (name == std::string_view::npos) return std::nullopt;
    const std::string_view number = version.substr(name + kName.size());
    int major = 0;
    const auto [last, status] = std::from_chars(number.data(), number.data() + number.size(), major);
    return status == std::errc() && major > 0 ? std::optional<int>(major) : std::nullopt;
}

}  // namespace stele
