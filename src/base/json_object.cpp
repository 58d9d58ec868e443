#include "base/json_object.hpp"

#include <string>

#include "base/json_tree.hpp"
#include "stele/error.hpp"

namespace stele {
namespace {

std::string what_is_wrong_with(const Json& json) {
    try {
        const JsonNode node = parse_json(json.text());
        if (node.kind == JsonNode::Kind::object) return {};
        return "is " + std::string(to_string(node.kind)) + " where an object is expected";
    } catch (const Error& error) {
        return std::string("is ") + error.what();
    }
}

}  // namespace

void write_string(detail::JsonWriter& out, std::string_view name, std::string_view text) {
    out.member(name);
    out.string(text);
}

void write_object(detail::JsonWriter& out, std::string_view name, const Json& json) {
    out.member(name);
    if (json.text() != "{}") {
        if (const std::string fault = what_is_wrong_with(json); !fault.empty()) out.refuse(fault);
    }
    out.json(json);
}

Json read_object(const detail::JsonReader& in) {
    in.object_size();  // refuses anything else
    return in.json();
}

Json read_meta(const detail::JsonReader& in) {
    const auto meta = in.find("meta", "meta");
    return !meta || meta->is_null() ? Json::object() : read_object(*meta);
}

detail::JsonReader require(const detail::JsonReader& in, std::string_view name) {
    auto found = in.find(name, name);
    if (!found) {
        in.require_default(name);
        in.refuse("lacks " + std::string(name));
    }
    return *found;
}

}  // namespace stele
