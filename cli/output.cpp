#include "output.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "text.hpp"

namespace stele::cli {
namespace {

constexpr std::size_t kGap = 2;  // columns between two of a table

void write_out(std::string_view text) {
    if (text.empty()) return;  // fwrite takes no null pointer
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) throw OutputLost{errno};
}

void write_error(std::string_view text) {
    if (text.empty()) return;
    std::fflush(stdout);  // so that a terminal shows both in the order they were said
    std::fwrite(text.data(), 1, text.size(), stderr);
}

bool wants_colour(int file) {
    const char* refused = std::getenv("NO_COLOR");
    const char* kind = std::getenv("TERM");
    const bool dumb = kind != nullptr && std::string_view(kind) == "dumb";
    return ::isatty(file) == 1 && (refused == nullptr || *refused == '\0') && !dumb;
}

std::string_view code_of(Tone tone) {
    switch (tone) {
        case Tone::plain: return "";
        case Tone::strong: return "\033[1m";
        case Tone::faint: return "\033[2m";
        case Tone::good: return "\033[32m";
        case Tone::warning: return "\033[33m";
        case Tone::bad: return "\033[31m";
    }
    return "";
}

std::string painted(std::string_view text, Tone tone, bool coloured) {
    if (!coloured || tone == Tone::plain) return std::string(text);
    return fmt::format("{}{}\033[0m", code_of(tone), text);
}

std::string padded(std::string_view text, std::size_t width, bool to_the_right) {
    const std::size_t taken = display_width(text);
    const std::string blanks(width > taken ? width - taken : 0, ' ');
    return to_the_right ? blanks + std::string(text) : std::string(text) + blanks;
}

std::string_view name_of(Retry retry) {
    switch (retry) {
        case Retry::no: return "no";
        case Retry::call: return "call";
        case Retry::transaction: return "transaction";
    }
    return "no";
}

std::string text_of(const nlohmann::json& document, int indent) {
    return document.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
}

}  // namespace

std::size_t terminal_columns(int file) {
    winsize size{};
    if (::ioctl(file, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    return 80;
}

Output::Output(const bool& json)
    : json_(json),
      terminal_(::isatty(STDOUT_FILENO) == 1),
      coloured_(wants_colour(STDOUT_FILENO)),
      coloured_errors_(wants_colour(STDERR_FILENO)) {}

void Output::line(std::string_view text) const {
    if (json_) return;
    write_out(text);
    write_out("\n");
}

void Output::raw(std::string_view text) const {
    if (!json_) write_out(text);
}

void Output::fields(const std::vector<std::pair<std::string, std::string>>& fields) const {
    std::size_t width = 0;
    for (const auto& [name, value] : fields) width = std::max(width, display_width(name));
    for (const auto& [name, value] : fields) {
        line(fmt::format("  {}  {}", paint(padded(name, width, false), Tone::faint), value));
    }
}

void Output::table(const Table& table) const {
    if (json_ || table.headers.empty()) return;
    const std::size_t columns = table.headers.size();
    std::vector<std::size_t> widths;
    for (std::size_t column = 0; column < columns; ++column) {
        std::size_t width = display_width(table.headers[column]);
        for (const auto& row : table.rows) width = std::max(width, display_width(row[column]));
        widths.push_back(width);
    }
    if (terminal_) {
        std::size_t taken = kGap * (columns - 1);
        for (std::size_t column = 0; column + 1 < columns; ++column) taken += widths[column];
        const std::size_t whole = terminal_columns(STDOUT_FILENO);
        constexpr std::size_t kNarrowest = 10;
        widths.back() = std::min(widths.back(), std::max(kNarrowest, whole > taken ? whole - taken : 0));
    }
    const auto print = [&](const std::vector<std::string>& cells, Tone tone) {
        std::string text;
        for (std::size_t column = 0; column < columns; ++column) {
            const bool right = column < table.to_the_right.size() && table.to_the_right[column];
            std::string cell = shortened(cells[column], widths[column]);
            if (column + 1 < columns || right) cell = padded(cell, widths[column], right);
            if (column > 0) text.append(kGap, ' ');
            text += cell;
        }
        line(paint(text, tone));
    };
    print(table.headers, Tone::faint);
    for (const auto& row : table.rows) print(row, Tone::plain);
}

void Output::note(std::string_view text) const {
    if (!json_) write_error(painted(text, Tone::faint, coloured_errors_) + "\n");
}

void Output::document(const nlohmann::json& document) const {
    if (json_) write_out(text_of(document, terminal_ ? 2 : -1));
}

void Output::json_line(std::string_view json) const {
    write_out(json);
    write_out("\n");
}

void Output::error(const ErrorInfo& error) const {
    if (!json_) {
        Error whole(error);  // joins our words and the server's
        write_error(fmt::format("{} {}\n", painted("stele:", Tone::bad, coloured_errors_), printable(whole.what())));
        return;
    }
    nlohmann::json details = {{"code", std::string(to_string(error.code))},
                              {"message", error.message},
                              {"retry", std::string(name_of(error.retry))},
                              {"in_doubt", error.in_doubt}};
    if (!error.sqlstate.empty()) details["sqlstate"] = error.sqlstate;
    if (!error.server_message.empty()) details["server_message"] = error.server_message;
    write_error(text_of({{"error", details}}, -1));
}

void Output::error(std::string_view code, std::string_view message) const {
    if (json_) {
        write_error(text_of(
            {{"error",
              {{"code", std::string(code)}, {"message", std::string(message)}, {"retry", "no"}, {"in_doubt", false}}}},
            -1));
    } else {
        write_error(fmt::format("{} {}\n", painted("stele:", Tone::bad, coloured_errors_), printable(message)));
    }
}

void Output::flush() const {
    if (std::fflush(stdout) != 0) throw OutputLost{errno};
}

std::string Output::paint(std::string_view text, Tone tone) const {
    return painted(text, tone, coloured_);
}

}  // namespace stele::cli
