#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "revision_command.hpp"

namespace stele::cli {
namespace {

struct RestoreCommand {
    std::string identifier;
    std::string revision;
    NoteOptions note;
};

void run(Context& context, const StoreKind& kind, const RestoreCommand& restore) {
    const RevisionSelector which = parse_selector("REVISION", restore.revision);
    const auto store = open_store(context.database(), kind);
    const Revision old = find_revision(*store, restore.identifier, which, context.deadline());
    const auto added = store->restore(restore.identifier, old.created, restore.note.note(), context.deadline());
    print_defined(context.output(), kind, restore.identifier, added);
}

}  // namespace

void add_revision_restore(CLI::App& parent, const StoreKind& kind, Context& context) {
    CLI::App* command =
        parent.add_subcommand("restore", fmt::format("Adds a revision with the content of an older one"));
    auto restore = std::make_shared<RestoreCommand>();
    add_identifier(*command, kind, restore->identifier);
    command->add_option("revision", restore->revision, "The older one as `history` prints it, or label:NAME")
        ->option_text("REVISION")
        ->required();
    add_note_options(*command, restore->note);
    command->footer(fmt::format(
        R"(Nothing goes: what was newest stays in the history. Nothing is added when the newest has that content already. The
exit status is 1 when there is no such revision.

Examples:
  stele {0} restore {1} 2026-01-31T10:20:30.123456+00:00
  stele {0} restore {1} label:production -m "the new one was too slow")",
        kind.command, kind.example));
    command->callback([&context, &kind, restore] { run(context, kind, *restore); });
}

}  // namespace stele::cli
