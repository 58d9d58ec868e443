#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "revision_command.hpp"
#include "revision_limits.hpp"
#include "standard_input.hpp"
#include "stele/templates.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

struct RenderCommand {
    std::optional<std::string> identifier;
    std::vector<std::string> arguments;  ///< "name=value"
    std::vector<std::string> files;      ///< "name=path"
    std::string body;                    ///< a file, or "-"
    std::string grammar;
    SelectorOptions which;
};

/// "name=value", with the name of its option for the error.
std::pair<std::string, std::string> named(std::string_view option, const std::string& text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
        refuse(fmt::format("{} takes NAME={}, not '{}'", option, option == "--arg" ? "VALUE" : "FILE", text));
    }
    return {text.substr(0, equals), text.substr(equals + 1)};
}

TemplateArguments arguments_of(const RenderCommand& render) {
    TemplateArguments arguments;
    const auto add = [&](const std::string& name, std::string value) {
        if (!is_utf8(value)) refuse(fmt::format("the argument '{}' is not UTF-8", name));
        if (!arguments.emplace(name, std::move(value)).second) refuse(fmt::format("'{}' is given twice", name));
    };
    for (const std::string& text : render.arguments) {
        auto [name, value] = named("--arg", text);
        add(name, std::move(value));
    }
    for (const std::string& text : render.files) {
        const auto [name, file] = named("--arg-file", text);
        add(name, read_input(fmt::format("the argument '{}'", name), file, kLongestContent));
    }
    return arguments;
}

/// It can be read once only.
void check_standard_input(const RenderCommand& render) {
    auto readers = std::count_if(render.files.begin(), render.files.end(),
                                 [](const std::string& text) { return named("--arg-file", text).second == "-"; });
    if (render.body == "-") ++readers;
    if (readers > 1) refuse("standard input, which - stands for, can be read once only: give the others as files");
}

std::string rendered(Context& context, const RenderCommand& render) {
    const TemplateGrammar grammar = grammar_of(render.grammar);
    const TemplateArguments arguments = arguments_of(render);
    const RevisionSelector which = render.which.selector();
    if (!render.identifier) {
        const std::string body = read_input("the body", render.body, kLongestContent);
        return render_text(TemplateBody::parse(body, grammar), arguments);
    }
    const auto store = open_store(context.database(), kTemplates, {.grammar = grammar});
    find_revision(*store, *render.identifier, which, context.deadline());  // says what is missing
    const TemplatesRepository templates(context.database(), {.grammar = grammar});
    return templates.at(which).resolve_text({*render.identifier, arguments}, {}, {}, context.deadline());
}

void run(Context& context, const RenderCommand& render) {
    if (render.identifier.has_value() != render.body.empty()) {
        refuse(render.identifier ? "ID and --body exclude each other: give one of them"
                                 : "say what to render: the ID of a template, or --body FILE");
    }
    if (!render.identifier && render.which.selector().kind() != RevisionSelector::Kind::newest) {
        refuse("--at, --revision and --label choose a revision of ID, which --body has none of: leave them out");
    }
    check_standard_input(render);
    const std::string text = rendered(context, render);
    context.output().document({{"text", text}});
    print_text(context.output(), text);
}

}  // namespace

void add_template_render(CLI::App& parent, Context& context) {
    CLI::App* command = parent.add_subcommand("render", "Prints a template with its variables filled in");
    auto render = std::make_shared<RenderCommand>();
    command->add_option("id", render->identifier, "The template")->option_text("ID");
    command->add_option("-a,--arg", render->arguments, "What a variable stands for; may be given several times")
        ->option_text("NAME=VALUE")
        ->take_all()
        ->allow_extra_args(false);
    command->add_option("--arg-file", render->files, "The same from a file, as it is; - is standard input")
        ->option_text("NAME=FILE")
        ->take_all()
        ->allow_extra_args(false);
    command->add_option("--body", render->body, "Render the body in this file instead; no database is touched")
        ->option_text("FILE");
    add_grammar(*command, kTemplates, render->grammar);
    add_selector_options(*command, render->which);
    command->footer(R"(Every variable of the body needs an argument; one that the body does not use is ignored.

Examples:
  stele template render support/greeting --arg name=Ada
  stele template render support/greeting --label staging --arg name=Ada --arg-file order=order.txt
  stele template render --body greeting.txt --arg name=Ada)");
    command->callback([&context, render] { run(context, *render); });
}

}  // namespace stele::cli
