#include "standard_input.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

#include "exit_code.hpp"

namespace stele::cli {
namespace {

std::string read_all(std::FILE* file, std::string_view what, std::string_view name, std::size_t limit) {
    std::string text;
    char buffer[65'536];
    while (text.size() <= limit) {
        const std::size_t count = std::fread(buffer, 1, sizeof buffer, file);
        text.append(buffer, count);
        if (count < sizeof buffer) break;
    }
    if (std::ferror(file) != 0) {
        refuse(fmt::format("{} cannot be read from {}: {}", what, name, std::generic_category().message(errno)));
    }
    return text;
}

}  // namespace

std::string read_standard_input(std::string_view what, std::size_t limit) {
    std::string text = read_all(stdin, what, "standard input", limit);
    if (text.ends_with('\n')) text.pop_back();
    return text;
}

std::string read_input(std::string_view what, const std::string& name, std::size_t limit) {
    const bool standard = name == "-";
    const auto close = [](std::FILE* file) { std::fclose(file); };
    const std::unique_ptr<std::FILE, decltype(close)> opened(standard ? nullptr : std::fopen(name.c_str(), "rbe"));
    if (!standard && !opened) {
        refuse(fmt::format("{} cannot be read from {}: {}", what, name, std::generic_category().message(errno)));
    }
    std::string text = read_all(standard ? stdin : opened.get(), what, standard ? "standard input" : name, limit);
    if (text.size() > limit) fail(ErrorCode::limit_exceeded, fmt::format("{} is longer than {} bytes", what, limit));
    return text;
}

}  // namespace stele::cli
