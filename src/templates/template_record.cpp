#include "templates/template_record.hpp"

#include <fmt/format.h>

#include "base/json_tree.hpp"

namespace stele {

const RevisionTableShape& TemplateRecord::shape() {
    static const RevisionTableShape kShape{to_string(kStore), {"description", "content", "variables", "meta"}};
    return kShape;
}

TemplateRecord TemplateRecord::of(const TemplateDeclaration& declaration, std::string_view body) {
    std::string variables;
    for (const TemplateVariable& variable : declaration.variables) {
        fmt::format_to(std::back_inserter(variables), "{}{}:{}", variables.empty() ? "" : ",",
                       Json::string(variable.name).text(), Json::string(variable.description).text());
    }
    return {declaration.description, std::string(body), Json::trusted(fmt::format("{{{}}}", variables)),
            declaration.meta};
}

void TemplateRecord::bind(Parameters& parameters, bool) const {
    parameters.add(description);
    parameters.add(content);
    parameters.add(variables);
    parameters.add(meta);
}

TemplateRecord TemplateRecord::read(const Row& row, std::size_t first) {
    return {row.find<std::string>(first), row.get<std::string>(first + 1), row.get<Json>(first + 2),
            row.get<Json>(first + 3)};
}

TemplateDeclaration TemplateRecord::declaration(std::string identifier) const {
    TemplateDeclaration declaration{std::move(identifier), description, {}, meta};
    const JsonNode node = parse_json(variables.text());
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
        const JsonNode& item = node.items[i];
        declaration.variables.push_back(
            {node.keys[i], item.kind == JsonNode::Kind::string ? item.text : item.to_text()});
    }
    return declaration;
}

Json TemplateRecord::about() const {
    return Json::trusted(fmt::format(R"({{"description":{},"variables":{},"meta":{}}})",
                                     description ? Json::string(*description).text() : "null", variables.text(),
                                     meta.text()));
}

bool same(const TemplateRecord& a, const TemplateRecord& b) {
    return a.content == b.content && same_value(a.about(), b.about());
}

}  // namespace stele
