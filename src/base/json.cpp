#include "stele/json.hpp"

#include <nlohmann/json.hpp>

#include "base/json_tree.hpp"
#include "base/text.hpp"

namespace stele {
inline namespace v0 {

Json Json::parse(std::string_view text) {
    check_json(text);
    return Json(std::string(text));
}

Json Json::string(std::string_view value) {
    check_text("the text", value);
    return Json(nlohmann::json(value).dump());
}

bool same_value(const Json& a, const Json& b) {
    return a == b || same_value(parse_json(a.text()), parse_json(b.text()));
}

}  // namespace v0
}  // namespace stele
