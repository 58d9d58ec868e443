#include "json_lines.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <filesystem>
#include <iostream>
#include <limits>
#include <system_error>
#include <utility>

#include "exit_code.hpp"
#include "stele/json.hpp"
#include "text.hpp"

namespace stele::cli {

InputFile::InputFile(const std::string& name) : name_(name == "-" ? "standard input" : name) {
    if (name == "-") {
        std::ios::sync_with_stdio(false);  // else it is read character by character
        return;
    }
    std::error_code ignored;
    file_ = std::make_unique<std::ifstream>(name, std::ios::binary);
    const int reason = errno;
    if (!*file_ || std::filesystem::is_directory(name, ignored)) {
        refuse(fmt::format("{} cannot be read: {}", name,
                           *file_ ? "it is a directory" : std::generic_category().message(reason)));
    }
}

std::istream& InputFile::stream() {
    return file_ ? static_cast<std::istream&>(*file_) : std::cin;
}

JsonLines::JsonLines(std::istream& in, const std::string& name, std::size_t limit, bool comments)
    : in_(in),
      name_(name),
      limit_(limit),
      comments_(comments),
      buffer_(std::make_unique_for_overwrite<char[]>(limit + 1)) {}

std::optional<std::string_view> JsonLines::next() {
    if (std::exchange(too_long_, false)) {
        in_.clear();
        in_.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
    }
    while (in_.getline(buffer_.get(), static_cast<std::streamsize>(limit_ + 1)) || in_.gcount() > 0) {
        ++number_;
        too_long_ = in_.fail();
        if (too_long_) refuse_line(fmt::format("longer than {} bytes", limit_));
        auto length = static_cast<std::size_t>(in_.gcount());
        if (!in_.eof()) --length;  // the line's end, which counts
        const std::string_view text = trimmed({buffer_.get(), length});
        if (text.empty() || (comments_ && text.front() == '#')) continue;
        check_json(text);
        return text;
    }
    if (in_.bad()) refuse(fmt::format("{} cannot be read beyond line {}", name_, number_));
    return std::nullopt;
}

void JsonLines::refuse_line(std::string_view reason) const {
    refuse(fmt::format("{}{}", place(), reason));
}

std::string JsonLines::without_line(std::string_view message) const {
    const std::string before = place();
    if (message.starts_with(before)) message.remove_prefix(before.size());
    return std::string(message);
}

std::string JsonLines::place() const {
    return fmt::format("{}, line {}: ", name_, number_);
}

void JsonLines::check_json(std::string_view text) const {
    try {
        Json::parse(text);
    } catch (const Error& error) {
        std::string message = error.info().message;
        if (const std::size_t place = message.find(" (line 1, "); place != std::string::npos) {
            message.erase(place, message.find(')', place) + 1 - place);  // it is another line of the file
        }
        refuse_line(message);
    }
}

}  // namespace stele::cli
