#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "label_print.hpp"
#include "revision_command.hpp"

namespace stele::cli {
namespace {

struct LabelCommand {
    std::string identifier;
    std::string label;
    std::string revision;
    bool remove = false;
    NoteOptions note;
};

void run(Context& context, const StoreKind& kind, const LabelCommand& label) {
    if (label.label.empty() && (label.remove || !label.revision.empty())) {
        refuse("name the label, behind the identifier");
    }
    if (label.remove && !label.revision.empty()) refuse("--remove and --revision exclude each other");
    const auto which =
        label.revision.empty() ? std::nullopt : std::optional(parse_selector("--revision", label.revision));
    const auto store = open_store(context.database(), kind);
    const auto until = context.deadline();
    const Output& output = context.output();
    const LabelFilter of_it{kind.store, label.identifier, {}};
    if (label.label.empty()) {
        const auto labels = store->labels().list(of_it, until);
        if (labels.empty() && !newest_revision(*store, label.identifier, until)) fail_unknown(kind, label.identifier);
        print_labels(output, labels, false);
        return;
    }
    if (label.remove) {
        const std::size_t taken =
            store->labels().remove({{kind.store, label.identifier, label.label}}, label.note.note(), until);
        const bool none = taken == 0;
        print_taken(output, label.label, taken,
                    none ? std::vector{place_text(kind.store, label.identifier)} : std::vector<std::string>());
        if (none) context.exit = ExitCode::negative;
        return;
    }
    LabelMove move{kind.store, label.identifier, label.label, {}};
    // also the newest: says what is missing
    const Revision found = find_revision(*store, label.identifier, which.value_or(RevisionSelector::newest()), until);
    if (which) move.revision = found.created;
    store->labels().move({move}, label.note.note(), until);
    print_moved(output, store->labels().list({kind.store, label.identifier, label.label}, until));
}

}  // namespace

void add_revision_label(CLI::App& parent, const StoreKind& kind, Context& context) {
    CLI::App* command =
        parent.add_subcommand("label", fmt::format("Names a revision of a {}, or lists such names", kind.noun));
    auto label = std::make_shared<LabelCommand>();
    add_identifier(*command, kind, label->identifier);
    command->add_option("label", label->label, "The label to move or create; none: list those there are")
        ->option_text("LABEL");
    command
        ->add_option("-r,--revision", label->revision,
                     "Where it goes, as `history` prints it, or label:NAME (default: the newest)")
        ->option_text("REVISION");
    command->add_flag("--remove", label->remove, "Take the label away");
    add_note_options(*command, label->note);
    command->footer(fmt::format(
        R"(A revision that has a label is not removed. `stele label move` moves several at once. The exit status is 1 when there
is no such {2}, revision or label.

Examples:
  stele {0} label {1} production -m "the shorter one"
  stele {0} label {1} production --revision label:staging
  stele {0} label {1} staging --remove
  stele {0} label {1})",
        kind.command, kind.example, kind.noun));
    command->callback([&context, &kind, label] { run(context, kind, *label); });
}

}  // namespace stele::cli
