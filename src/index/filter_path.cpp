#include "index/filter_path.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/json_tree.hpp"
#include "base/result.hpp"

namespace stele {
namespace {

constexpr std::string_view kNotInKeys = " \t\r\n.,[]()<>=!\"";

bool is_plain(const std::string& key) {
    return !key.empty() && key.find_first_of(kNotInKeys) == std::string::npos;
}

[[noreturn]] void wrong(std::string_view text, std::size_t at, std::string_view wanted) {
    raise(ErrorCode::invalid_argument,
          fmt::format("'{}' is no path to a member: {} is missing at byte {}; paths look like author.name, tags[0] or "
                      "[\"first name\"]",
                      text, wanted, at));
}

std::string read_key(std::string_view text, std::size_t& at) {
    const std::size_t end = std::min(text.find_first_of(kNotInKeys, at), text.size());
    if (end == at) wrong(text, at, "a name");
    const std::string_view key = text.substr(at, end - at);
    at = end;
    return std::string(key);
}

detail::FilterStep read_bracket(std::string_view text, std::size_t& at) {
    detail::FilterStep step;
    ++at;
    if (at < text.size() && text[at] == '"') {
        const auto end = end_of_string(text, at);
        if (!end) wrong(text, text.size(), "a closing quote");
        step.key = parse_json(text.substr(at, *end - at)).text;
        at = *end;
    } else {
        std::size_t item = 0;
        const auto [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), item);
        if (error != std::errc()) wrong(text, at, "a number or a name in quotes");
        step.item = item;
        at = static_cast<std::size_t>(end - text.data());
    }
    if (at >= text.size() || text[at] != ']') wrong(text, at, "]");
    ++at;
    return step;
}

}  // namespace

std::optional<std::size_t> end_of_string(std::string_view text, std::size_t at) noexcept {
    for (++at; at < text.size(); ++at) {
        if (text[at] == '"') return at + 1;
        if (text[at] == '\\') ++at;
    }
    return std::nullopt;
}

detail::FilterPath read_path(std::string_view text, std::size_t& at) {
    detail::FilterPath path;
    if (at >= text.size() || text[at] != '[') path.push_back({read_key(text, at), {}});
    while (at < text.size() && (text[at] == '.' || text[at] == '[')) {
        if (text[at] == '[') {
            path.push_back(read_bracket(text, at));
        } else {
            path.push_back({read_key(text, ++at), {}});
        }
    }
    return path;
}

inline namespace v0 {
namespace detail {

std::string path_text(const FilterPath& path) {
    std::string text;
    for (const FilterStep& step : path) {
        if (step.item) {
            text += fmt::format("[{}]", *step.item);
        } else if (!is_plain(step.key) || (text.empty() && step.key == "not")) {
            text += fmt::format("[{}]", Json::string(step.key).text());
        } else {
            text += (text.empty() ? "" : ".") + step.key;
        }
    }
    return text;
}

FilterPath parse_path(std::string_view text) {
    std::size_t at = 0;
    FilterPath path = read_path(text, at);
    if (at != text.size()) wrong(text, at, "the end");
    return path;
}

}  // namespace detail
}  // namespace v0
}  // namespace stele
