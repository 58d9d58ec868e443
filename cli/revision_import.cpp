#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "revision_command.hpp"
#include "revision_files.hpp"
#include "text.hpp"
#include "text_folder.hpp"

namespace stele::cli {
namespace {

using nlohmann::json;

struct ImportCommand {
    std::string folder;
    std::string grammar;
    NoteOptions note;
    bool prune = false;
    bool dry_run = false;
};

struct Change {
    std::string_view what;  ///< "new", "changed", "removed"
    std::string identifier;
    std::string diff;  ///< of what changed
};

struct Imported {
    std::vector<Change> changes;
    std::size_t unchanged = 0;

    std::size_t count(std::string_view what) const {
        return static_cast<std::size_t>(
            std::count_if(changes.begin(), changes.end(), [&](const Change& change) { return change.what == what; }));
    }
};

/// Does it all, in somebody's transaction.
Imported apply(RevisionStore& store, const Contents& contents, const ImportCommand& command,
               const std::optional<Deadline>& until) {
    Imported imported;
    const RevisionNote note = command.note.note();
    for (const auto& [identifier, content] : contents) {
        const auto before = newest_revision(store, identifier, until);
        const auto added = store.define(identifier, content, note, until);
        if (!added) {
            ++imported.unchanged;
        } else if (!before) {
            imported.changes.push_back({"new", identifier, {}});
        } else {
            imported.changes.push_back({"changed", identifier,
                                        store.diff(identifier, RevisionSelector::exactly(before->created),
                                                   RevisionSelector::exactly(*added), until)});
        }
    }
    if (!command.prune) return imported;
    for (const Listed& listed : list_all(store, until)) {
        if (contents.contains(listed.identifier)) continue;
        store.remove(listed.identifier, until);
        imported.changes.push_back({"removed", listed.identifier, {}});
    }
    return imported;
}

/// A dry run is done and undone, so that it tells exactly what would happen.
Imported import_all(Context& context, const RevisionStore& outside, const Contents& contents,
                    const ImportCommand& command) {
    const auto until = context.deadline();
    Database& database = context.database();
    if (!command.dry_run) {
        return database.transaction(
            [&](Transaction& transaction) { return apply(*outside.in(transaction), contents, command, until); });
    }
    Transaction transaction = database.begin({}, until);
    Imported imported = apply(*outside.in(transaction), contents, command, until);
    transaction.rollback(until);
    return imported;
}

void report(const Output& output, const Imported& imported, bool dry_run) {
    json changes = json::array();
    for (const Change& change : imported.changes) {
        changes.push_back({{"change", std::string(change.what)}, {"identifier", change.identifier}});
        if (change.what == "changed") changes.back()["diff"] = change.diff;
        output.line(fmt::format("{} {}", change.what, one_line(change.identifier)));
        if (dry_run) print_diff(output, change.diff);
    }
    output.document({{"dry_run", dry_run},
                     {"new", imported.count("new")},
                     {"changed", imported.count("changed")},
                     {"removed", imported.count("removed")},
                     {"unchanged", imported.unchanged},
                     {"changes", changes}});
    output.line(fmt::format("{}{} new, {} changed, {} removed, {} unchanged", dry_run ? "would be: " : "",
                            imported.count("new"), imported.count("changed"), imported.count("removed"),
                            imported.unchanged));
}

void run(Context& context, const StoreKind& kind, const ImportCommand& command) {
    const TemplateGrammar grammar = grammar_of(command.grammar);
    const Files files = read_folder(command.folder, types_of_files());
    const Contents contents = contents_of(kind, files, grammar);
    if (contents.empty() && command.prune) {
        refuse(fmt::format("{} has no {}: --prune would remove all there are", printable(command.folder), kind.noun));
    }
    const auto store = open_store(context.database(), kind, {.grammar = grammar});
    report(context.output(), import_all(context, *store, contents, command), command.dry_run);
}

}  // namespace

void add_revision_import(CLI::App& parent, const StoreKind& kind, Context& context) {
    CLI::App* command =
        parent.add_subcommand("import", fmt::format("Defines the {} in a folder that `export` wrote", kind.nouns));
    auto options = std::make_shared<ImportCommand>();
    command->add_option("folder", options->folder, "Where they are")->option_text("DIR")->required();
    command->add_flag("-n,--dry-run", options->dry_run, "Show what would change, with the difference; change nothing");
    command->add_flag("--prune", options->prune, fmt::format("Remove {} that are not in the folder", kind.nouns));
    add_grammar(*command, kind, options->grammar);
    add_note_options(*command, options->note);
    command->footer(fmt::format(
        R"(All in one transaction: everything or nothing. Only what differs gets a revision. Symbolic links are refused, and so
are names that `export` would not give and names that differ in case only.

Examples:
  stele {0} import ./{1} --dry-run
  stele {0} import ./{1} -m "release 12")",
        kind.command, kind.nouns));
    command->callback([&context, &kind, options] { run(context, kind, *options); });
}

}  // namespace stele::cli
