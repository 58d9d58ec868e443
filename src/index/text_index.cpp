#include "index/text_index.hpp"

#include <fmt/format.h>

#include "base/json_tree.hpp"
#include "base/result.hpp"
#include "index/member_index.hpp"
#include "postgres/identifier.hpp"

namespace stele {
namespace {

using Kind = JsonNode::Kind;

constexpr std::string_view kNote = "stele: words of ";

JsonNode text_node(std::string text) {
    JsonNode node;
    node.kind = Kind::string;
    node.text = std::move(text);
    return node;
}

JsonNode paths_node(const std::vector<TextMember>& text) {
    JsonNode node;
    node.kind = Kind::array;
    for (const TextMember& member : text) node.items.push_back(text_node(detail::path_text(member.path())));
    return node;
}

std::vector<std::string_view> parts_of(std::string_view configuration) {
    const std::size_t dot = configuration.find('.');
    if (dot == std::string_view::npos) return {configuration};
    return {configuration.substr(0, dot), configuration.substr(dot + 1)};
}

}  // namespace

void check_configuration(std::string_view configuration) {
    for (const std::string_view part : parts_of(configuration)) {
        const bool pg_catalog = part == "pg_catalog";
        if (!pg_catalog && !check_schema_name(part)) {
            raise(ErrorCode::invalid_argument,
                  fmt::format("\"{}\" is no name of a text search configuration: it is a name of letters, digits and "
                              "underscores, as simple or english, or two of them, schema.name",
                              configuration));
        }
    }
}

std::string has_configuration_sql(std::string_view parameter) {
    return fmt::format(
        "EXISTS (SELECT FROM pg_ts_config s JOIN pg_namespace n ON n.oid = s.cfgnamespace WHERE n.nspname || '.' || "
        "s.cfgname = {0}::text OR (s.cfgname = {0}::text AND pg_ts_config_is_visible(s.oid)))",
        parameter);
}

std::string configuration_sql(const std::string& configuration) {
    std::string name;
    for (const std::string_view part : parts_of(configuration)) {
        name += (name.empty() ? "" : ".") + quote_identifier(part);
    }
    return quote_literal(name) + "::regconfig";
}

// By jsonb: its texts wherever they are, with a gap between two of them. The parts of an array are those of the whole.
std::string tsvector_sql(const std::vector<TextMember>& text, const std::string& configuration,
                         std::string_view column) {
    std::string all = "'[]'::jsonb";
    for (const TextMember& member : text) all += " || " + member_sql(member.path(), column);
    return fmt::format("to_tsvector({}, {})", configuration_sql(configuration), all);
}

std::string text_identity(const std::vector<TextMember>& text, const std::string& configuration) {
    return fmt::format("{} {}", configuration, paths_node(text).to_text());
}

std::string text_note(const std::vector<TextMember>& text, const std::string& configuration) {
    JsonNode note;
    note.kind = Kind::object;
    note.keys = {"members", "configuration"};
    note.items = {paths_node(text), text_node(configuration)};
    return std::string(kNote) + note.to_text();
}

std::optional<IndexedText> read_text_note(std::string_view note) {
    if (!note.starts_with(kNote)) return std::nullopt;
    try {
        const JsonNode read = parse_json(note.substr(kNote.size()));
        const JsonNode* members = read.find("members");
        const JsonNode* configuration = read.find("configuration");
        if (members == nullptr || configuration == nullptr) return std::nullopt;
        IndexedText noted;
        for (const JsonNode& member : members->items) noted.members.push_back(member.text);
        noted.configuration = configuration->text;
        return noted;
    } catch (const Error&) {
        return std::nullopt;  // somebody wrote into it
    }
}

}  // namespace stele
