#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "context.hpp"
#include "index_command.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

struct CountCommand {
    std::string table;
    std::vector<std::string> where;
};

void run(Context& context, const CountCommand& count) {
    const Filter where = parse_where(count.where);
    const JsonIndex index = open_index(context, count.table);
    check_members(index, where, context.deadline());
    const std::size_t documents = index.count(FilterOf<Json>(where), context.deadline());
    context.output().document({{"table", count.table}, {"count", documents}});
    context.output().line(fmt::format("{}", documents));
}

}  // namespace

void add_index_count(CLI::App& index, Context& context) {
    CLI::App* command = index.add_subcommand("count", "Counts documents");
    auto count = std::make_shared<CountCommand>();
    add_index_table(*command, count->table);
    add_where_option(*command, count->where);
    command->footer(R"(stele index search --help says what a filter is.

Examples:
  stele index count handbook
  stele index count tickets --where 'status is one of open, new' --where 'not (owner exists)')");
    command->callback([&context, count] { run(context, *count); });
}

}  // namespace stele::cli
