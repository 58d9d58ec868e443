#include "stele/json.hpp"

#include <utility>

#include "base/json_string.hpp"
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
    std::string text;
    append_json_string(text, value);
    return Json(std::move(text));
}

bool same_value(const Json& a, const Json& b) {
    return a == b || same_value(parse_json(a.text()), parse_json(b.text()));
}

}  // namespace v0
}  // namespace stele
