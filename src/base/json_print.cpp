#include "base/json_string.hpp"
#include "base/json_tree.hpp"
#include "stele/json.hpp"

namespace stele {
namespace {

void start_line(std::string& out, std::size_t level) {
    out.append("\n").append(2 * level, ' ');
}

void print(std::string& out, const JsonNode& node, std::size_t level) {
    const bool is_object = node.kind == JsonNode::Kind::object;
    if (node.items.empty() || (!is_object && node.kind != JsonNode::Kind::array)) {
        out += node.to_text();
        return;
    }
    out += is_object ? '{' : '[';
    for (std::size_t i = 0; i < node.items.size(); ++i) {
        if (i > 0) out += ',';
        start_line(out, level + 1);
        if (is_object) {
            append_json_string(out, node.keys[i]);
            out += ": ";
        }
        print(out, node.items[i], level + 1);
    }
    start_line(out, level);
    out += is_object ? '}' : ']';
}

}  // namespace

std::string JsonNode::to_indented_text() const {
    std::string out;
    print(out, *this, 0);
    return out;
}

}  // namespace stele
