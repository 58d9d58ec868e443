#include "revision_files.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "exit_code.hpp"
#include "json_layout.hpp"
#include "revision_names.hpp"
#include "stele/describe_json.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

constexpr std::string_view kJson = ".json";
constexpr std::string_view kBody = ".txt";

/// What stands beside a body.
struct TemplateAbout {
    std::optional<std::string> description;
    std::optional<std::map<std::string, std::string>> variables;
    Json meta = Json::object();
};
STELE_DESCRIBE(TemplateAbout, (description), (variables), (meta, stele::has_default))

using Variables = std::map<std::string, std::string>;

Variables by_name(const std::vector<TemplateVariable>& variables) {
    Variables named;
    for (const TemplateVariable& variable : variables) named[variable.name] = variable.description;
    return named;
}

/// As they are when nothing is said about them.
Variables of_body(const TemplateBody& body) {
    Variables named;
    for (const std::string& name : body.variables()) named[name];
    return named;
}

/// Empty: there is nothing to say.
std::string about_text(const RevisionContent& content, TemplateGrammar grammar) {
    const TemplateDeclaration& about = content.about.value();
    std::map<std::string, Json> members;
    if (about.description) members["description"] = Json::string(*about.description);
    if (!same_value(about.meta, Json::object())) members["meta"] = about.meta;
    Variables variables = by_name(about.variables);
    if (const Variables body = of_body(TemplateBody::parse(content.text, grammar)); variables != body) {
        const auto silent = [&](const auto& each) { return each.second.empty() && body.contains(each.first); };
        if (grammar == TemplateGrammar::e3) std::erase_if(variables, silent);
        members["variables"] = to_json(variables);
    }
    return members.empty() ? std::string() : indented(to_json(members)) + "\n";
}

std::string without(const std::string& path, std::string_view type) {
    return path.substr(0, path.size() - type.size());
}

/// Calls `work`; what it throws gets the file's name.
template <class Work>
auto about_file(const std::string& path, Work work) {
    try {
        return work();
    } catch (const Error& error) {
        ErrorInfo info = error.info();
        info.message = fmt::format("{}: {}", printable(path), info.message);
        throw Error(std::move(info));
    }
}

TemplateDeclaration declaration_of(const std::string& identifier, const TemplateBody& body, const std::string* about) {
    TemplateDeclaration declaration{.identifier = identifier};
    const auto read =
        about == nullptr ? TemplateAbout() : from_json<TemplateAbout>(Json::parse(*about), {.refuse_unknown = true});
    declaration.description = read.description;
    declaration.meta = read.meta;
    Variables variables = read.variables.value_or(Variables());
    // in E1 those declared need not be those of the body
    if (!read.variables || body.grammar() == TemplateGrammar::e3) variables.merge(of_body(body));
    for (auto& [name, description] : variables) declaration.variables.push_back({name, std::move(description)});
    return declaration;
}

void add_template(const Files& files, const std::string& path, TemplateGrammar grammar, Contents& contents) {
    const std::string name = without(path, kBody);
    const std::string identifier = identifier_of_name(name);
    const auto body = about_file(path, [&] { return TemplateBody::parse(files.at(path), grammar); });
    const auto about = files.find(name + std::string(kJson));
    const std::string& where = about == files.end() ? path : about->first;
    RevisionContent content{files.at(path), about_file(where, [&] {
                                return declaration_of(identifier, body,
                                                      about == files.end() ? nullptr : &about->second);
                            })};
    about_file(where, [&] {
        check_content(kTemplates, content, grammar);
        return 0;
    });
    if (!contents.emplace(identifier, std::move(content)).second) {
        refuse(fmt::format("{}: another file is of '{}', too", printable(path), printable(identifier)));
    }
}

void add_configuration(const Files& files, const std::string& path, Contents& contents) {
    const std::string name = without(path, kJson);
    const std::string identifier = identifier_of_name(name);
    RevisionContent content{files.at(path)};
    about_file(path, [&] {
        check_content(kConfigurations, content, TemplateGrammar::e3);
        return 0;
    });
    if (!contents.emplace(identifier, std::move(content)).second) {
        refuse(fmt::format("{}: another file is of '{}', too", printable(path), printable(identifier)));
    }
}

}  // namespace

const std::vector<std::string>& types_of_files() {
    static const std::vector<std::string> kTypes = {std::string(kJson), std::string(kBody)};
    return kTypes;
}

Files files_of(const StoreKind& kind, const Contents& contents, TemplateGrammar grammar) {
    std::vector<std::string> identifiers;
    for (const auto& [identifier, content] : contents) identifiers.push_back(identifier);
    const std::vector<std::string> names = names_of_files(identifiers);
    Files files;
    auto name = names.begin();
    for (const auto& [identifier, content] : contents) {
        if (kind.templates()) {
            files[*name + std::string(kBody)] = content.text;
            if (std::string about = about_text(content, grammar); !about.empty()) {
                files[*name + std::string(kJson)] = std::move(about);
            }
        } else {
            files[*name + std::string(kJson)] = indented(Json::trusted(content.text)) + "\n";
        }
        ++name;
    }
    return files;
}

Contents contents_of(const StoreKind& kind, const Files& files, TemplateGrammar grammar) {
    std::vector<std::string> paths;
    Contents contents;
    for (const auto& [path, text] : files) {
        const bool is_body = path.ends_with(kBody);
        const bool has_other = files.contains(is_body ? without(path, kBody) + std::string(kJson)
                                                      : without(path, kJson) + std::string(kBody));
        if (!kind.templates()) {
            if (is_body) continue;  // a note of somebody's
            if (has_other) {
                refuse(
                    fmt::format("{}: a .txt of the same name stands beside it, so that it belongs to a template; "
                                "`stele template import` takes those, from a folder of their own",
                                printable(path)));
            }
            add_configuration(files, path, contents);
        } else if (is_body) {
            add_template(files, path, grammar, contents);
        } else if (!has_other) {
            refuse(
                fmt::format("{}: there is no template for it, since no .txt of the same name stands beside it; a "
                            "configuration belongs into a folder of its own",
                            printable(path)));
        }
        paths.push_back(path);
    }
    check_case(paths);
    return contents;
}

bool is_about(const std::string& text) {
    try {
        from_json<TemplateAbout>(Json::parse(text), {.refuse_unknown = true});
        return true;
    } catch (const Error&) {
        return false;
    }
}

std::optional<std::string> foreign_file(const StoreKind& kind, const Files& files, const Files& ours) {
    for (const auto& [path, text] : files) {
        const bool is_body = path.ends_with(kBody);
        const std::string name = without(path, is_body ? kBody : kJson);
        const std::string json = name + std::string(kJson), body = name + std::string(kBody);
        const bool foreign = kind.templates() ? !is_body && !files.contains(body)
                                              : is_body && (files.contains(json) || ours.contains(json));
        if (foreign) return path;
    }
    return std::nullopt;
}

}  // namespace stele::cli
