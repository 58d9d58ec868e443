#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "revision_command.hpp"
#include "revision_limits.hpp"
#include "standard_input.hpp"

namespace stele::cli {
namespace {

struct SetCommand {
    std::string identifier;
    std::string file = "-";
    NoteOptions note;
    std::string grammar;
    std::optional<std::string> description;
    std::vector<std::string> variables;  ///< "name=description"
    std::optional<std::string> meta;
    bool empty = false;
};

/// Puts what was given in place of what was there.
void declare(TemplateDeclaration& about, const SetCommand& set) {
    if (set.description) about.description = set.description;
    if (set.meta) about.meta = Json::parse(*set.meta);
    for (const std::string& text : set.variables) {
        const std::size_t equals = text.find('=');
        if (equals == std::string::npos || equals == 0) {
            refuse(fmt::format("--variable takes NAME=DESCRIPTION, not '{}'", text));
        }
        const TemplateVariable given{text.substr(0, equals), text.substr(equals + 1)};
        const auto known = std::find_if(about.variables.begin(), about.variables.end(),
                                        [&](const TemplateVariable& variable) { return variable.name == given.name; });
        // one that the body lacks is added all the same: the refusal names it
        known == about.variables.end() ? about.variables.push_back(given) : void(*known = given);
    }
}

void run(Context& context, const StoreKind& kind, const SetCommand& set) {
    const std::string what = fmt::format("the {}", kind.noun);
    std::string text = read_input(what, set.file, kLongestContent);
    if (kind.templates() && text.empty() && !set.empty) {
        refuse("the body is empty, so nothing was changed; if that is meant, say --empty");
    }
    const auto store = open_store(context.database(), kind, {.grammar = grammar_of(set.grammar)});
    std::optional<RevisionContent> newest;
    if (kind.templates()) newest = store->content(set.identifier, RevisionSelector::newest(), context.deadline());
    RevisionContent content = store->complete(set.identifier, std::move(text), newest);
    if (content.about) declare(*content.about, set);
    const auto revision = store->define(set.identifier, content, set.note.note(), context.deadline());
    print_defined(context.output(), kind, set.identifier, revision);
}

}  // namespace

void add_revision_set(CLI::App& parent, const StoreKind& kind, Context& context) {
    CLI::App* command = parent.add_subcommand("set", fmt::format("Adds a revision of a {}", kind.noun));
    auto set = std::make_shared<SetCommand>();
    add_identifier(*command, kind, set->identifier);
    command
        ->add_option("file", set->file,
                     kind.templates() ? "The body, taken as it is; - (the default) is standard input"
                                      : "The content, a JSON object; - (the default) is standard input")
        ->option_text("FILE");
    if (kind.templates()) {
        command->add_option("--description", set->description, "What the template is for")->option_text("TEXT");
        command
            ->add_option("--variable", set->variables,
                         "What a variable of the body stands for; may be given several times")
            ->option_text("NAME=DESCRIPTION")
            ->take_all()
            ->allow_extra_args(false);
        command->add_option("--meta", set->meta, "Kept beside the body: a JSON object")->option_text("JSON");
        command->add_flag("--empty", set->empty, "The body may be empty");
        add_grammar(*command, kind, set->grammar);
    }
    add_note_options(*command, set->note);
    constexpr std::string_view kOfTemplates =
        R"(What is not given is taken from the newest revision: the description, what variables stand for, the meta. A
variable that is new gets an empty description. Nothing is added when the newest revision is the same.

Examples:
  printf 'Hi {%name%}!' | stele template set support/greeting
  stele template set support/greeting greeting.txt --variable name="of the user" -m "shorter")";
    constexpr std::string_view kOfConfigurations =
        R"(Nothing is added when the newest revision has the same content, whatever the order of its keys.

Examples:
  echo '{"model":"m-7b"}' | stele config set support
  stele config set support support.json --author ada -m "a larger model")";
    command->footer(std::string(kind.templates() ? kOfTemplates : kOfConfigurations));
    command->callback([&context, &kind, set] { run(context, kind, *set); });
}

}  // namespace stele::cli
