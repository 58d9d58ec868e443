#include "json_layout.hpp"

#include <map>
#include <vector>

#include "stele/describe_json.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

constexpr std::size_t kStep = 2;

void write(const Json& json, std::size_t depth, std::string& out) {
    const std::string inside(kStep * (depth + 1), ' ');
    const auto close = [&](char bracket) { out.append("\n").append(kStep * depth, ' ') += bracket; };
    if (json.is_object()) {
        const auto members = from_json<std::map<std::string, Json>>(json);
        if (members.empty()) {
            out += "{}";
            return;
        }
        const char* before = "{\n";
        for (const auto& [key, value] : members) {
            out.append(before).append(inside).append(Json::string(key).text()).append(": ");
            write(value, depth + 1, out);
            before = ",\n";
        }
        close('}');
    } else if (json.is_array()) {
        const auto items = from_json<std::vector<Json>>(json);
        if (items.empty()) {
            out += "[]";
            return;
        }
        const char* before = "[\n";
        for (const Json& item : items) {
            out.append(before).append(inside);
            write(item, depth + 1, out);
            before = ",\n";
        }
        close(']');
    } else {
        const std::string& text = json.text();
        const auto first = text.find_first_not_of(" \t\r\n");
        out += text.substr(first, text.find_last_not_of(" \t\r\n") + 1 - first);
    }
}

}  // namespace

std::string indented(const Json& json) {
    std::string out;
    write(json, 0, out);
    return out;
}

void print_document(const Output& output, const Json& json) {
    if (output.json()) output.json_line(output.terminal() ? printable(indented(json)) : json.text());
}

}  // namespace stele::cli
