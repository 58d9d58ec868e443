#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <vector>

#include "cache_command.hpp"
#include "index_command.hpp"
#include "memory_command.hpp"
#include "stele/erasure.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

struct EraseCommand {
    std::vector<std::string> conversations, models;
    ScopeOptions scope;
    std::string table;
    std::vector<std::string> where;
    bool dry_run = false;
};

void run(Context& context, const EraseCommand& command) {
    if (command.table.empty() != command.where.empty()) refuse("--table and --where go together: give both, or none");
    if (command.conversations.empty() && command.models.empty() && !command.scope.given() && command.table.empty()) {
        refuse("say what to erase: --conversation, --model, --namespace with --attribute, --table with --where");
    }
    Database& database = context.database();
    Erasure erasure(database);
    for (const std::string& thread : command.conversations) erasure.conversation(thread);
    for (const std::string& identifier : command.models) erasure.memory(identifier);
    std::optional<SemanticCache> cache;
    if (command.scope.given()) erasure.answers(cache.emplace(database, nullptr), command.scope.scope());
    if (!command.table.empty()) {
        const Filter where = parse_where(command.where);
        const JsonIndex index = open_index(context, command.table);
        check_members(index, where, context.deadline());
        erasure.documents(index, FilterOf<Json>(where));
    }
    const Erased erased = command.dry_run ? erasure.dry_run(context.deadline()) : erasure.run(context.deadline());
    const Output& output = context.output();
    output.document({{"dry_run", command.dry_run},
                     {"conversations", erased.conversations},
                     {"turns", erased.turns},
                     {"memories", erased.memories},
                     {"elements", erased.elements},
                     {"snapshots", erased.snapshots},
                     {"answers", erased.answers},
                     {"documents", erased.documents}});
    const std::vector<std::pair<std::string, std::size_t>> counts = {
        {"conversations", erased.conversations}, {"turns", erased.turns},         {"model memories", erased.memories},
        {"elements", erased.elements},           {"snapshots", erased.snapshots}, {"answers", erased.answers},
        {"documents", erased.documents}};
    std::vector<std::pair<std::string, std::string>> fields;
    for (const auto& [name, count] : counts) {
        if (count > 0) fields.emplace_back(name, fmt::format("{}", count));
    }
    if (fields.empty()) {
        output.line(command.dry_run ? "there is nothing to erase" : "there was nothing to erase");
        context.exit = ExitCode::negative;
    }
    output.fields(fields);
    if (command.dry_run && !fields.empty()) output.line("this would be erased; nothing was changed");
}

}  // namespace

void add_memory_erase(CLI::App& memory, Context& context) {
    CLI::App* command = memory.add_subcommand("erase", "Removes all that belongs to somebody, in one transaction");
    auto options = std::make_shared<EraseCommand>();
    const auto several = [&](const char* name, std::vector<std::string>& values, const char* about, const char* text) {
        command->add_option(name, values, about)->option_text(text)->take_all()->allow_extra_args(false);
    };
    several("--conversation", options->conversations, "A conversation; may be given several times", "THREAD");
    several("--model", options->models, "A model memory; may be given several times", "THREAD");
    command->add_option("-n,--namespace", options->scope.name_space, "All answers that the cache has for this tenant")
        ->option_text("NAME");
    several("-a,--attribute", options->scope.attributes, "Those of the scope with this attribute, exactly",
            "NAME=VALUE");
    command->add_option("--table", options->table, "Documents of the vector index in this table")->option_text("NAME");
    several("-w,--where", options->where,
            "Those of which this holds, for example 'owner = ada'; may be given several times: then all must hold",
            "FILTER");
    command->add_flag("--dry-run", options->dry_run, "Count only; change nothing");
    command->footer(
        R"(Everything or nothing. It asks nothing, prints how much there was as a receipt, and nothing brings it back. The exit
status is 1 when there was nothing.

--where takes what stele index search takes.

Examples:
  stele memory erase --conversation ada-1 --conversation ada-2 --model ada
  stele memory erase -n acme -a user=ada --table letter --where 'owner = ada' --json > receipt.json)");
    command->callback([&context, options] { run(context, *options); });
}

}  // namespace stele::cli
