#include "json_keys.hpp"

#include <nlohmann/json.hpp>
#include <set>
#include <tuple>
#include <vector>

namespace stele::cli {

std::optional<std::string> key_given_twice(const Json& json) {
    using Event = nlohmann::json::parse_event_t;
    std::vector<std::set<std::string>> open;  // the keys of the objects around
    std::optional<std::string> twice;
    const auto follow = [&](int, Event event, const nlohmann::json& parsed) {
        if (event == Event::object_start) open.emplace_back();
        if (event == Event::object_end) open.pop_back();
        if (event == Event::key && !twice && !open.back().insert(parsed.get<std::string>()).second) {
            twice = parsed.get<std::string>();
        }
        return event != Event::value;  // values are not kept
    };
    std::ignore = nlohmann::json::parse(json.text(), follow);
    return twice;
}

}  // namespace stele::cli
