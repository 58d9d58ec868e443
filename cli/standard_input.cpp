#include "standard_input.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "exit_code.hpp"

namespace stele::cli {

std::string read_standard_input(std::string_view what, std::size_t limit) {
    std::string text;
    char buffer[65'536];
    while (text.size() <= limit) {
        const std::size_t count = std::fread(buffer, 1, sizeof buffer, stdin);
        text.append(buffer, count);
        if (count < sizeof buffer) break;
    }
    if (std::ferror(stdin) != 0) {
        refuse(fmt::format("{} cannot be read from standard input: {}", what, std::generic_category().message(errno)));
    }
    if (text.ends_with('\n')) text.pop_back();
    return text;
}

}  // namespace stele::cli
