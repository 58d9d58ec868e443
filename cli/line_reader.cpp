#include "line_reader.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "exit_code.hpp"
#include "stele/json.hpp"

namespace stele::cli {
namespace {

constexpr std::string_view kBlanks = " \t\r";

std::string_view trimmed(std::string_view text) {
    text.remove_prefix(std::min(text.size(), text.find_first_not_of(kBlanks)));
    return text.substr(0, text.find_last_not_of(kBlanks) + 1);
}

}  // namespace

std::optional<std::string_view> LineReader::next() {
    while (in_.getline(buffer_.get(), static_cast<std::streamsize>(limit_ + 1)) || in_.gcount() > 0) {
        ++number_;
        if (in_.fail()) refuse(fmt::format("{}, line {}: longer than {} bytes", name_, number_, limit_));
        auto length = static_cast<std::size_t>(in_.gcount());
        if (!in_.eof()) --length;  // the line's end, which counts
        const std::string_view text = trimmed({buffer_.get(), length});
        if (!text.empty()) return text;
    }
    if (in_.bad()) refuse(fmt::format("{} cannot be read beyond line {}", name_, number_));
    return std::nullopt;
}

void check_json_line(std::string_view text) {
    try {
        Json::parse(text);
    } catch (const Error& error) {
        std::string message = error.info().message;
        if (const std::size_t place = message.find(" (line 1, "); place != std::string::npos) {
            message.erase(place, message.find(')', place) + 1 - place);  // it is another line of the file
        }
        refuse(std::move(message));
    }
}

}  // namespace stele::cli
