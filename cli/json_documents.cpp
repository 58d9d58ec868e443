#include "json_documents.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "exit_code.hpp"
#include "json_member.hpp"

namespace stele::cli {
namespace {

using nlohmann::json;

json parse(const Json& document) {
    json parsed = json::parse(document.text());
    if (!parsed.is_object()) refuse(fmt::format("a document is a JSON object, and this is {}", parsed.type_name()));
    return parsed;
}

const json& member_of(const json& document, const detail::FilterPath& path, std::string_view option) {
    const json* found = find_member(document, path);
    if (found != nullptr) return *found;
    std::string members;
    for (const auto& [key, value] : document.items()) members += (members.empty() ? "" : ", ") + key;
    refuse(fmt::format("there is no member {}: name another with {} (there are: {})", detail::path_text(path), option,
                       members));
}

}  // namespace

std::string DocumentMembers::text_of(const Json& document) const {
    const json parsed = parse(document);
    const json& member = member_of(parsed, text, "--text");
    const bool blank =
        member.is_string() && member.get_ref<const std::string&>().find_first_not_of(" \t\r\n") == std::string::npos;
    if (!member.is_string() || blank) {
        refuse(fmt::format("{} is {}, and it is to be embedded: a text is needed", detail::path_text(text),
                           blank ? "blank" : member.type_name()));
    }
    return member.get<std::string>();
}

std::vector<float> DocumentMembers::vector_of(const Json& document) const {
    const json parsed = parse(document);
    const json& member = member_of(parsed, *vector, "--vector");
    const bool numbers = member.is_array() && !member.empty() &&
                         std::all_of(member.begin(), member.end(), [](const json& each) { return each.is_number(); });
    if (!numbers) {
        refuse(fmt::format("{} is no vector: an array of numbers is needed", detail::path_text(*vector)));
    }
    return member.get<std::vector<float>>();
}

std::string DocumentMembers::key_of(const Json& document) const {
    const json parsed = parse(document);
    const json& member = member_of(parsed, *key, "--key");
    if (member.is_string() && !member.get_ref<const std::string&>().empty()) return member.get<std::string>();
    if (member.is_number_integer()) return member.dump();
    refuse(fmt::format("{} is {}, and it is the key: a text or an integer is needed", detail::path_text(*key),
                       member.is_string() ? "empty" : member.type_name()));
}

std::optional<Json> JsonDocuments::next() {
    const auto line = lines_.next();
    if (!line) return std::nullopt;
    Json document = Json::trusted(std::string(*line));
    try {
        if (members_.vector) {
            vector_ = members_.vector_of(document);
            document = Json::trusted(without_member(*line, *members_.vector));
        } else {
            members_.text_of(document);
        }
        if (members_.key) members_.key_of(document);
    } catch (const Error& error) {
        lines_.refuse_line(error.info().message);
    } catch (const json::exception& error) {
        lines_.refuse_line(error.what());
    }
    return document;
}

}  // namespace stele::cli
