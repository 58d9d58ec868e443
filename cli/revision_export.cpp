#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "revision_command.hpp"
#include "revision_files.hpp"
#include "text.hpp"
#include "text_folder.hpp"

namespace stele::cli {
namespace {

struct ExportCommand {
    std::string folder;
    std::string grammar;
    bool prune = false;
};

/// All of one moment.
Contents newest_contents(Context& context, const StoreKind& kind, const StoreOptions& options) {
    const auto outside = open_store(context.database(), kind, options);
    const auto until = context.deadline();
    Transaction transaction = context.database().begin({.isolation = Isolation::repeatable_read, .read_only = true});
    const auto store = outside->in(transaction);
    Contents contents;
    for (const Listed& listed : list_all(*store, until)) {
        auto content = store->content(listed.identifier, RevisionSelector::newest(), until);
        contents.emplace(listed.identifier, std::move(content.value()));
    }
    transaction.rollback(until);
    return contents;
}

/// Of what is in the folder, what is in the way of the new files, or, with `prune`, no longer there.
std::vector<std::string> files_to_remove(const StoreKind& kind, const Files& now, const Files& before, bool prune) {
    std::vector<std::string> gone;
    for (const auto& [path, text] : before) {
        if (now.contains(path) || !is_of(kind, path, before)) continue;
        // beside a body that is written anew it would be taken for what is known of that
        const bool stale = kind.templates() && !path.ends_with(kind.file_type) &&
                           now.contains(path.substr(0, path.rfind('.')) + std::string(kind.file_type));
        if (prune || stale) gone.push_back(path);
    }
    return gone;
}

void run(Context& context, const StoreKind& kind, const ExportCommand& command) {
    const TemplateGrammar grammar = grammar_of(command.grammar);
    const Contents contents = newest_contents(context, kind, {.grammar = grammar});
    const Files files = files_of(kind, contents, grammar);
    const std::filesystem::path folder = command.folder;
    std::error_code none;
    const Files before = std::filesystem::exists(folder, none) ? read_folder(folder, types_of_files()) : Files();
    if (const auto foreign = foreign_file(kind, before, files)) {
        refuse(fmt::format("{} holds {}, which is no {}'s: give the {} a folder of their own",
                           printable(folder.string()), printable(*foreign), kind.noun, kind.nouns));
    }
    const std::vector<std::string> gone = files_to_remove(kind, files, before, command.prune);
    // first, since on a system blind to case one of them may be one of the new files
    remove_from_folder(folder, gone);
    const Written written = write_folder(folder, files);
    const Output& output = context.output();
    output.document({{"folder", folder.string()},
                     {std::string(kind.nouns), contents.size()},
                     {"written", written.written},
                     {"unchanged", written.unchanged},
                     {"removed", gone}});
    for (const std::string& path : gone) output.line(fmt::format("removed {}", one_line(path)));
    output.line(fmt::format(
        "{} in {}: {} written, {} unchanged",
        count_text(static_cast<std::int64_t>(contents.size()), kind.noun, kind.nouns), one_line(folder.string()),
        count_text(static_cast<std::int64_t>(written.written), "file", "files"), written.unchanged));
}

}  // namespace

void add_revision_export(CLI::App& parent, const StoreKind& kind, Context& context) {
    CLI::App* command =
        parent.add_subcommand("export", fmt::format("Writes all {} into a folder, for git", kind.nouns));
    auto options = std::make_shared<ExportCommand>();
    command->add_option("folder", options->folder, "Created if need be")->option_text("DIR")->required();
    command->add_flag("--prune", options->prune, fmt::format("Remove files of {} that are not there", kind.nouns));
    add_grammar(*command, kind, options->grammar);
    command->footer(fmt::format(R"({2}
The newest revisions, all of one moment. A slash in the identifier makes a folder; bytes that are unusual in
names are percent-encoded. Other files are left alone.

Examples:
  stele {0} export ./{1}
  stele {0} export ./{1} --prune && git -C ./{1} diff)",
                                kind.command, kind.nouns,
                                kind.templates() ? "A file ID.txt with the body as it is, and beside it ID.json with "
                                                   "description, variables and meta, where\nthey say anything."
                                                 : "A file ID.json each, indented, with sorted keys."));
    command->callback([&context, &kind, options] { run(context, kind, *options); });
}

}  // namespace stele::cli
