#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "context.hpp"
#include "exit_code.hpp"
#include "index_command.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

struct RemoveCommand {
    std::string table;
    std::vector<std::string> ids, where;
    bool dry_run = false;
};

std::vector<Uuid> parse_ids(const std::vector<std::string>& texts) {
    std::vector<Uuid> ids;
    for (const std::string& text : texts) {
        const auto id = Uuid::parse(text);
        if (!id) refuse(fmt::format("'{}' is no id; stele index list and search print them", one_line(text)));
        ids.push_back(*id);
    }
    return ids;
}

void report(Context& context, std::size_t documents, bool dry_run) {
    context.output().document({{"dry_run", dry_run}, {"removed", documents}});
    context.output().line(fmt::format("{} {}",
                                      count_text(static_cast<std::int64_t>(documents), "document", "documents"),
                                      dry_run ? "would go" : "removed"));
    if (documents == 0) context.exit = ExitCode::negative;
}

void run_remove(Context& context, const RemoveCommand& remove) {
    if (remove.ids.empty() == remove.where.empty()) {
        refuse(remove.ids.empty() ? "say which documents: --id or --where (stele index wipe removes all)"
                                  : "--id and --where exclude each other: give one of them");
    }
    if (!remove.ids.empty() && remove.dry_run) refuse("--dry-run is for --where");
    const std::vector<Uuid> ids = parse_ids(remove.ids);
    const Filter where = parse_where(remove.where);
    JsonIndex index = open_index(context, remove.table);
    if (!ids.empty()) return report(context, index.remove(ids, context.deadline()), false);
    check_members(index, where, context.deadline());
    const FilterOf<Json> filter(where);
    report(context, remove.dry_run ? index.count(filter, context.deadline()) : index.remove(filter, context.deadline()),
           remove.dry_run);
}

struct WipeCommand {
    std::string table;
    bool dry_run = false;
};

void run_wipe(Context& context, const WipeCommand& wipe) {
    JsonIndex index = open_index(context, wipe.table);
    report(context, wipe.dry_run ? index.count({}, context.deadline()) : index.wipe(context.deadline()), wipe.dry_run);
}

}  // namespace

void add_index_remove(CLI::App& index, Context& context) {
    CLI::App* command = index.add_subcommand("remove", "Removes documents by id or filter");
    auto remove = std::make_shared<RemoveCommand>();
    add_index_table(*command, remove->table);
    command->add_option("--id", remove->ids, "This one; may be given several times")
        ->option_text("ID")
        ->take_all()
        ->allow_extra_args(false);
    add_where_option(*command, remove->where);
    command->add_flag("-n,--dry-run", remove->dry_run, "With --where: say how many would go; change nothing");
    command->footer(R"(The exit status is 1 when there was none. stele index search --help says what a filter is.

Examples:
  stele index remove tickets --id 0190a6f0-1111-7222-8333-abcdefabcdef
  stele index remove tickets --where 'closed < 2025-01-01T00:00:00Z' --dry-run
  stele index remove handbook --where 'path starts with old/')");
    command->callback([&context, remove] { run_remove(context, *remove); });
}

void add_index_wipe(CLI::App& index, Context& context) {
    CLI::App* command = index.add_subcommand("wipe", "Removes all documents of an index");
    auto wipe = std::make_shared<WipeCommand>();
    add_index_table(*command, wipe->table);
    command->add_flag("-n,--dry-run", wipe->dry_run, "Say how many would go; change nothing");
    command->footer(R"(The table stays, with its dimension and its embedder. The exit status is 1 when it was empty.

Examples:
  stele index wipe tickets --dry-run
  stele index wipe tickets)");
    command->callback([&context, wipe] { run_wipe(context, *wipe); });
}

}  // namespace stele::cli
