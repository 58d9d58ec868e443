#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <map>

#include "json_layout.hpp"
#include "revision_command.hpp"
#include "stele/describe_json.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

struct GetCommand {
    std::string identifier;
    SelectorOptions which;
    bool pretty = false;
};

struct ConfigurationDocument {
    std::string identifier;
    Timestamp revision;
    std::optional<std::string> author, message;
    std::vector<std::string> labels;
    Json content;
};
STELE_DESCRIBE(ConfigurationDocument, (identifier), (revision), (author), (message), (labels), (content))

struct TemplateDocument {
    std::string identifier;
    Timestamp revision;
    std::optional<std::string> author, message;
    std::vector<std::string> labels;
    std::string body;
    std::optional<std::string> description;
    std::map<std::string, std::string> variables;
    Json meta;
};
STELE_DESCRIBE(TemplateDocument, (identifier), (revision), (author), (message), (labels), (body), (description),
               (variables), (meta))

Json document_of(const std::string& identifier, const Revision& revision, const RevisionContent& content) {
    if (!content.about) {
        return to_json(ConfigurationDocument{identifier, revision.created, revision.author, revision.message,
                                             revision.labels, Json::trusted(content.text)});
    }
    std::map<std::string, std::string> variables;
    for (const TemplateVariable& variable : content.about->variables) variables[variable.name] = variable.description;
    return to_json(TemplateDocument{identifier, revision.created, revision.author, revision.message, revision.labels,
                                    content.text, content.about->description, std::move(variables),
                                    content.about->meta});
}

void run(Context& context, const StoreKind& kind, const GetCommand& get) {
    const RevisionSelector which = get.which.selector();
    const auto store = open_store(context.database(), kind);
    const Revision revision = find_revision(*store, get.identifier, which, context.deadline());
    const auto content =
        store->content(get.identifier, RevisionSelector::exactly(revision.created), context.deadline());
    if (!content) fail_unknown(kind, get.identifier);  // removed meanwhile
    const Output& output = context.output();
    print_document(output, document_of(get.identifier, revision, *content));
    if (kind.templates()) {
        print_text(output, content->text);
    } else if (get.pretty || output.terminal()) {
        print_text(output, indented(Json::trusted(content->text)) + "\n");
    } else {
        output.raw(content->text + "\n");
    }
    output.note(fmt::format("revision {}{}{}", to_iso8601(revision.created),
                            revision.author ? " by " + one_line(*revision.author) : "",
                            revision.message ? ": " + one_line(*revision.message) : ""));
}

}  // namespace

void add_revision_get(CLI::App& parent, const StoreKind& kind, Context& context) {
    CLI::App* command = parent.add_subcommand("get", fmt::format("Prints a {}", kind.noun));
    auto get = std::make_shared<GetCommand>();
    add_identifier(*command, kind, get->identifier);
    add_selector_options(*command, get->which);
    if (!kind.templates()) command->add_flag("--pretty", get->pretty, "Indented, as on a terminal, keys sorted");
    command->footer(fmt::format(R"({2} goes to standard output{3}, what is known of the revision to
standard error. The exit status is 1 when there is none.

Examples:
  stele {0} get {1}
  stele {0} get {1} --at 2026-01-31T10:00:00Z
  stele {0} get {1} --label production --json)",
                                kind.command, kind.example, kind.templates() ? "The body" : "The content",
                                kind.templates() ? " as it is stored, without a newline of ours" : " as JSON"));
    command->callback([&context, &kind, get] { run(context, kind, *get); });
}

}  // namespace stele::cli
