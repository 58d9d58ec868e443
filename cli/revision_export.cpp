#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "revision_command.hpp"
#include "revision_files.hpp"
#include "revision_limits.hpp"
#include "standard_input.hpp"
#include "text.hpp"
#include "text_folder.hpp"

namespace stele::cli {
namespace {

struct ExportCommand {
    std::string folder;
    std::string grammar;
    bool prune = false;
    bool dry_run = false;
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

/// Names, a line each, all files that were ever exported into the folder and are still there. Only those are removed:
/// that a file could be of a template does not make it one.
constexpr const char* kRecord = ".stele-export";

std::set<std::string> read_record(const std::filesystem::path& folder) {
    std::set<std::string> paths;
    std::error_code none;
    if (!std::filesystem::exists(folder / kRecord, none)) return paths;
    std::istringstream lines(read_input("the record of the export", (folder / kRecord).string(), kLongestContent));
    for (std::string line; std::getline(lines, line);) paths.insert(line);
    return paths;
}

std::string record_of(const std::set<std::string>& exported, const Files& now, const Files& before,
                      const std::vector<std::string>& gone) {
    std::set<std::string> paths;
    for (const auto& [path, text] : before) {
        if (exported.contains(path)) paths.insert(path);
    }
    for (const std::string& path : gone) paths.erase(path);
    for (const auto& [path, text] : now) paths.insert(path);
    std::string text;
    for (const std::string& path : paths) text += path + "\n";
    return text;
}

/// Of what is in the folder, what is in the way of the new files, or, with `prune`, no longer there.
std::vector<std::string> files_to_remove(const StoreKind& kind, const Files& now, const Files& before,
                                         const std::set<std::string>& exported, bool prune) {
    std::vector<std::string> gone;
    for (const auto& [path, text] : before) {
        if (now.contains(path)) continue;
        // beside a body that is written anew it would be taken for what is known of that
        const bool stale = kind.templates() && !path.ends_with(kind.file_type) &&
                           now.contains(path.substr(0, path.rfind('.')) + std::string(kind.file_type)) &&
                           is_about(text);
        if (stale || (prune && exported.contains(path))) gone.push_back(path);
    }
    return gone;
}

void run(Context& context, const StoreKind& kind, const ExportCommand& command) {
    const TemplateGrammar grammar = grammar_of(command.grammar);
    const Contents contents = newest_contents(context, kind, {.grammar = grammar});
    const Files files = files_of(kind, contents, grammar);
    const std::filesystem::path folder = command.folder;
    const Files before = folder_exists(folder) ? read_folder(folder, types_of_files()) : Files();
    if (const auto foreign = foreign_file(kind, before, files)) {
        refuse(fmt::format("{} holds {}, which is no {}'s: give the {} a folder of their own",
                           printable(folder.string()), printable(*foreign), kind.noun, kind.nouns));
    }
    const std::set<std::string> exported = read_record(folder);
    const std::vector<std::string> gone = files_to_remove(kind, files, before, exported, command.prune);
    Written written;
    if (command.dry_run) {
        written = compare_folder(folder, files);
    } else {
        // first, since on a system blind to case one of them may be one of the new files
        remove_from_folder(folder, gone);
        written = write_folder(folder, files);
        write_folder(folder, {{kRecord, record_of(exported, files, before, gone)}});
    }
    const Output& output = context.output();
    output.document({{"folder", folder.string()},
                     {"dry_run", command.dry_run},
                     {std::string(kind.nouns), contents.size()},
                     {"written", written.written},
                     {"unchanged", written.unchanged},
                     {"removed", gone}});
    const std::string_view would = command.dry_run ? "would be " : "";
    for (const std::string& path : gone) output.line(fmt::format("{}removed {}", would, one_line(path)));
    output.line(fmt::format(
        "{} in {}: {} {}written, {} unchanged",
        count_text(static_cast<std::int64_t>(contents.size()), kind.noun, kind.nouns), one_line(folder.string()),
        count_text(static_cast<std::int64_t>(written.written), "file", "files"), would, written.unchanged));
}

}  // namespace

void add_revision_export(CLI::App& parent, const StoreKind& kind, Context& context) {
    CLI::App* command =
        parent.add_subcommand("export", fmt::format("Writes all {} into a folder, for git", kind.nouns));
    auto options = std::make_shared<ExportCommand>();
    command->add_option("folder", options->folder, "Created if need be")->option_text("DIR")->required();
    command->add_flag("--prune", options->prune,
                      fmt::format("Remove files that an export wrote and whose {} is gone", kind.noun));
    command->add_flag("-n,--dry-run", options->dry_run, "Say what would be written and removed; change nothing");
    add_grammar(*command, kind, options->grammar);
    command->footer(fmt::format(R"({2}
The newest revisions, all of one moment. A slash in the identifier makes a folder; bytes that are unusual in
names are percent-encoded. Other files are left alone: the hidden file .stele-export, which belongs into git with
the others, names those that were exported, and --prune removes no others.

Examples:
  stele {0} export ./{1}
  stele {0} export ./{1} --prune --dry-run
  stele {0} export ./{1} --prune && git -C ./{1} diff)",
                                kind.command, kind.nouns,
                                kind.templates() ? "A file ID.txt with the body as it is, and beside it ID.json with "
                                                   "description, variables and meta, where\nthey say anything."
                                                 : "A file ID.json each, indented, with sorted keys."));
    command->callback([&context, &kind, options] { run(context, kind, *options); });
}

}  // namespace stele::cli
