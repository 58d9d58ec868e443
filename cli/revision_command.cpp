#include "revision_command.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

void add_common(CLI::App& parent, const StoreKind& kind, Context& context) {
    parent.require_subcommand(1, 1);
    add_revision_list(parent, kind, context);
    add_revision_get(parent, kind, context);
    add_revision_set(parent, kind, context);
    add_revision_edit(parent, kind, context);
    add_revision_history(parent, kind, context);
    add_revision_diff(parent, kind, context);
    add_revision_restore(parent, kind, context);
    add_revision_label(parent, kind, context);
    add_revision_remove(parent, kind, context);
    add_revision_prune(parent, kind, context);
    add_revision_export(parent, kind, context);
    add_revision_import(parent, kind, context);
    add_revision_watch(parent, kind, context);
}

}  // namespace

RevisionNote NoteOptions::note() const {
    RevisionNote note{author, message};
    if (!author) {
        if (const char* user = std::getenv("USER")) note.author = user;
    }
    if (note.author == "") note.author.reset();
    if (note.message == "") note.message.reset();
    return note;
}

void add_note_options(CLI::App& command, NoteOptions& options) {
    command.add_option("--author", options.author, "Who does this (default: $USER; empty: nobody)")
        ->option_text("TEXT");
    command.add_option("-m,--message", options.message, "Why, for the history")->option_text("TEXT");
}

RevisionSelector SelectorOptions::selector() const {
    const int given = int{!at.empty()} + int{!revision.empty()} + int{!label.empty()};
    if (given > 1) refuse("--at, --revision and --label exclude each other: give one of them");
    if (!at.empty()) return RevisionSelector::as_of(parse_time("--at", at));
    if (!revision.empty()) return RevisionSelector::exactly(parse_time("--revision", revision));
    if (!label.empty()) return RevisionSelector::labelled(label);
    return RevisionSelector::newest();
}

void add_selector_options(CLI::App& command, SelectorOptions& options) {
    command.add_option("--at", options.at, "As it was at this time")->option_text("TIME");
    command.add_option("--revision", options.revision, "This very revision, as `history` prints it")
        ->option_text("TIME");
    command.add_option("-l,--label", options.label, "The revision that has this label")->option_text("LABEL");
}

Timestamp parse_time(std::string_view option, std::string_view text) {
    const auto time = parse_iso8601(text);
    if (!time) {
        refuse(
            fmt::format("{} takes a time with its offset, such as 2026-01-31T10:20:30.123456+00:00 (`history` "
                        "prints them), not '{}'",
                        option, text));
    }
    return *time;
}

RevisionSelector parse_selector(std::string_view option, const std::string& text) {
    constexpr std::string_view kLabel = "label:";
    if (text == "newest") return RevisionSelector::newest();
    if (text.starts_with(kLabel) && text.size() > kLabel.size()) {
        return RevisionSelector::labelled(text.substr(kLabel.size()));
    }
    if (const auto time = parse_iso8601(text)) return RevisionSelector::exactly(*time);
    refuse(fmt::format("{} is a revision as `history` prints it, label:NAME or newest, not '{}'", option, text));
}

void add_identifier(CLI::App& command, const StoreKind& kind, std::string& identifier) {
    command.add_option("id", identifier, fmt::format("The {}", kind.noun))->option_text("ID")->required();
}

void add_grammar(CLI::App& command, const StoreKind& kind, std::string& grammar) {
    if (!kind.templates()) return;
    command
        .add_option("--grammar", grammar,
                    "The dialect of bodies: e3, or e1 as draive had it before 0.100 (default: e3)")
        ->option_text("e3|e1")
        ->check(CLI::IsMember({"e3", "e1"}));
}

TemplateGrammar grammar_of(const std::string& text) {
    return text == "e1" ? TemplateGrammar::e1 : TemplateGrammar::e3;
}

void print_diff(const Output& output, const std::string& diff) {
    for (std::size_t at = 0; at < diff.size();) {
        const std::size_t end = std::min(diff.find('\n', at), diff.size());
        const std::string_view line = std::string_view(diff).substr(at, end - at);
        const Tone tone = line.starts_with('-') ? Tone::bad : line.starts_with('+') ? Tone::good : Tone::plain;
        output.line(output.terminal() ? output.paint(printable(line), tone) : std::string(line));
        at = end + 1;
    }
}

void print_text(const Output& output, const std::string& text) {
    if (!output.terminal()) return output.raw(text);
    output.raw(printable(text));
    if (!text.ends_with('\n')) output.line();
}

void print_defined(const Output& output, const StoreKind& kind, const std::string& identifier,
                   const std::optional<Timestamp>& revision) {
    const std::string name = fmt::format("{} {}", kind.noun, one_line(identifier));
    output.document({{"identifier", identifier},
                     {"changed", revision.has_value()},
                     {"revision", revision ? nlohmann::json(to_iso8601(*revision)) : nlohmann::json()}});
    output.line(revision ? fmt::format("{}: revision {}", name, to_iso8601(*revision))
                         : fmt::format("{}: unchanged, the newest revision is the same", name));
}

void add_config(CLI::App& app, Context& context) {
    CLI::App* config = app.add_subcommand("config", "Shows, changes and follows configurations");
    add_common(*config, kConfigurations, context);
    config->footer(R"(Every change adds a revision, which is named by its time; `history` shows them.

Examples:
  echo '{"model":"m-7b"}' | stele config set support
  stele config get support | jq -r .model
  stele config edit support
  stele config history support)");
}

void add_template(CLI::App& app, Context& context) {
    CLI::App* parent = app.add_subcommand("template", "Shows, changes, renders and follows prompt templates");
    add_common(*parent, kTemplates, context);
    add_template_render(*parent, context);
    parent->footer(
        R"(A place for a variable is {%name%}. Every change adds a revision, which is named by its time; `history`
shows them.

Examples:
  printf 'Hi {%name%}!' | stele template set greeting
  stele template render greeting --arg name=Ada
  stele template edit greeting
  stele template history greeting)");
}

}  // namespace stele::cli
