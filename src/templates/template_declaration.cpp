#include "templates/template_declaration.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/json_tree.hpp"
#include "base/text.hpp"

namespace stele {
namespace {

using Names = std::set<std::string_view>;

/// The part of `names` that `others` lack: "a", "b".
std::string only_in(const Names& names, const Names& others) {
    std::string list;
    for (const std::string_view name : names) {
        if (!others.contains(name)) list.append(list.empty() ? "" : ", ").append(fmt::format("\"{}\"", name));
    }
    return list;
}

/// What follows "template "x": ", or nothing.
std::string compare(const Names& declared, const Names& used) {
    const std::string undeclared = only_in(used, declared);
    const std::string unused = only_in(declared, used);
    if (undeclared.empty() && unused.empty()) return {};
    if (unused.empty()) return fmt::format("its body uses variables that are not declared: {}", undeclared);
    if (undeclared.empty()) return fmt::format("variables are declared that its body does not use: {}", unused);
    return fmt::format("its body uses variables that are not declared: {}; and does not use what is declared: {}",
                       undeclared, unused);
}

std::string text_fault(std::string_view path, std::string_view text) {
    const auto fault = find_text_fault(text);
    return fault ? fmt::format("{} {}", path, to_string(*fault)) : std::string();
}

std::string meta_fault(const Json& meta) {
    try {
        const JsonNode node = parse_json(meta.text());
        if (node.kind == JsonNode::Kind::object) return {};
        return fmt::format("meta is {} where an object is expected", to_string(node.kind));
    } catch (const Error& error) {
        return fmt::format("meta is {}", error.what());
    }
}

std::string find_fault(const TemplateDeclaration& declaration, const TemplateBody& body) {
    if (declaration.description) {
        if (std::string fault = text_fault("description", *declaration.description); !fault.empty()) return fault;
    }
    Names declared;
    for (std::size_t i = 0; i < declaration.variables.size(); ++i) {
        const TemplateVariable& variable = declaration.variables[i];
        std::string fault = text_fault(fmt::format("the name of variables[{}]", i), variable.name);
        if (!fault.empty()) return fault;
        if (!declared.insert(variable.name).second)
            return fmt::format("variables[{}] is declared twice", variable.name);
        fault = text_fault(fmt::format("variables[{}]", variable.name), variable.description);
        if (!fault.empty()) return fault;
    }
    if (std::string fault = meta_fault(declaration.meta); !fault.empty()) return fault;
    if (body.grammar() == TemplateGrammar::e1) return {};
    return compare(declared, Names(body.variables().begin(), body.variables().end()));
}

}  // namespace

Result<void> examine_declaration(const TemplateDeclaration& declaration, const TemplateBody& body) {
    const auto refuse = [](std::string message) {
        return fail(make_error(ErrorCode::invalid_argument, std::move(message)));
    };
    if (declaration.identifier.empty()) return refuse("the template's identifier is empty");
    if (std::string fault = text_fault("the template's identifier", declaration.identifier); !fault.empty()) {
        return refuse(std::move(fault));
    }
    const std::string fault = find_fault(declaration, body);
    if (!fault.empty()) return refuse(fmt::format("template \"{}\": {}", declaration.identifier, fault));
    return {};
}

inline namespace v0 {

void check_declaration(const TemplateDeclaration& declaration, const TemplateBody& body) {
    value_or_raise(examine_declaration(declaration, body));
}

}  // namespace v0
}  // namespace stele
