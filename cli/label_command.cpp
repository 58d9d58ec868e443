#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "label_print.hpp"
#include "revision_command.hpp"

namespace stele::cli {
namespace {

struct PlacesCommand {
    std::string label;
    std::vector<std::string> places;
    NoteOptions note;

    std::vector<LabelPlace> parsed() const {
        std::vector<LabelPlace> all;
        for (const std::string& place : places) all.push_back(parse_place(place));
        return all;
    }
};

struct FilterCommand {
    std::string label;
    std::size_t limit = 50;

    LabelFilter filter() const { return {{}, {}, label.empty() ? std::nullopt : std::optional(label)}; }
};

void move(Context& context, const PlacesCommand& command) {
    const auto places = command.parsed();
    std::vector<LabelMove> moves;
    for (const LabelPlace& place : places) {
        moves.push_back({place.store, place.identifier, command.label, place.revision});
    }
    Labels labels(context.database());
    labels.move(moves, command.note.note(), context.deadline());
    std::vector<Label> now;
    for (Label& label : labels.list({{}, {}, command.label}, context.deadline())) {
        const auto named = [&](const LabelPlace& place) {
            return place.store == label.store && place.identifier == label.identifier;
        };
        if (std::any_of(places.begin(), places.end(), named)) now.push_back(std::move(label));
    }
    print_moved(context.output(), now);
}

void remove(Context& context, const PlacesCommand& command) {
    std::vector<LabelName> names;
    for (const LabelPlace& place : command.parsed()) {
        if (place.revision) refuse("a label is taken away whatever revision it names: leave @TIME out");
        names.push_back({place.store, place.identifier, command.label});
    }
    Labels labels(context.database());
    std::vector<std::string> missing;
    for (const LabelName& name : names) {
        const LabelFilter of_it{name.store, name.identifier, name.label};
        if (labels.list(of_it, context.deadline()).empty()) missing.push_back(place_text(name.store, name.identifier));
    }
    const std::size_t taken = labels.remove(names, command.note.note(), context.deadline());
    print_taken(context.output(), command.label, taken, missing);
    if (!missing.empty()) context.exit = ExitCode::negative;
}

CLI::App* add_places(CLI::App& parent, const char* name, const char* description,
                     const std::shared_ptr<PlacesCommand>& options, const char* places) {
    CLI::App* command = parent.add_subcommand(name, description);
    command->add_option("label", options->label, "The label")->option_text("LABEL")->required();
    command->add_option("place", options->places, places)->option_text("PLACE...")->required();
    add_note_options(*command, options->note);
    return command;
}

void add_move(CLI::App& parent, Context& context) {
    auto options = std::make_shared<PlacesCommand>();
    CLI::App* command = add_places(parent, "move", "Moves or creates a label in several places, all at once", options,
                                   "config:ID or template:ID, the newest revision; with @TIME behind it that one");
    command->footer(
        R"(No reader sees some moved and others not. When a revision does not exist nothing moves, and the exit status is 1.

Examples:
  stele label move production config:support template:support/greeting
  stele label move production config:support@2026-01-31T10:20:30.123456+00:00 -m "back to January")");
    command->callback([&context, options] { move(context, *options); });
}

void add_remove(CLI::App& parent, Context& context) {
    auto options = std::make_shared<PlacesCommand>();
    CLI::App* command = add_places(parent, "remove", "Takes a label away, in several places at once", options,
                                   "config:ID or template:ID");
    command->footer(
        R"(Its history stays. Where it was not is said, and the exit status is then 1; the others are taken away all the same.

Examples:
  stele label remove staging config:support template:support/greeting)");
    command->callback([&context, options] { remove(context, *options); });
}

void add_list(CLI::App& parent, Context& context) {
    auto options = std::make_shared<FilterCommand>();
    CLI::App* command = parent.add_subcommand("list", "Lists labels of configurations and templates");
    command->add_option("label", options->label, "This one only")->option_text("LABEL");
    command->footer(R"(Examples:
  stele label list
  stele label list production --json | jq -r '.labels[].identifier')");
    command->callback([&context, options] {
        print_labels(context.output(), Labels(context.database()).list(options->filter(), context.deadline()), false);
    });
}

void add_history(CLI::App& parent, Context& context) {
    auto options = std::make_shared<FilterCommand>();
    CLI::App* command = parent.add_subcommand("history", "Lists where labels were moved, the newest move first");
    command->add_option("label", options->label, "Of this one only")->option_text("LABEL");
    command->add_option("--limit", options->limit, "At most so many (default: 50)")
        ->option_text("N")
        ->check(CLI::Range(1, 100'000));
    command->footer(R"(Examples:
  stele label history
  stele label history production --limit 5)");
    command->callback([&context, options] {
        const Labels labels(context.database());
        print_labels(context.output(), labels.history(options->filter(), options->limit, context.deadline()), true);
    });
}

}  // namespace

void add_label(CLI::App& app, Context& context) {
    CLI::App* label = app.add_subcommand("label", "Names revisions of configurations and templates");
    label->require_subcommand(1, 1);
    add_move(*label, context);
    add_remove(*label, context);
    add_list(*label, context);
    add_history(*label, context);
    label->footer(
        R"(A label such as production names one revision of each configuration or template that has it, and keeps that from
being removed. `stele config label` and `stele template label` are for one place.

Examples:
  stele label move production config:support template:support/greeting
  stele label list production)");
}

}  // namespace stele::cli
