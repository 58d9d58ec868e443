#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <optional>

#include "context.hpp"
#include "exit_code.hpp"
#include "index_command.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

struct RecallCommand {
    std::string table;
    std::vector<std::string> where;
    RecallCheckOptions options;
    std::optional<double> at_least;
};

std::string percent(double part) {
    return fmt::format("{:.1f} %", part * 100);
}

void run(Context& context, RecallCommand& recall) {
    const Filter where = parse_where(recall.where);
    const JsonIndex index = open_index(context, recall.table);
    check_members(index, where, context.deadline());
    recall.options.where = where;
    recall.options.deadline = context.deadline();
    const RecallCheck check = index.check_recall(recall.options);
    const Output& output = context.output();
    output.document({{"table", recall.table},
                     {"queries", check.queries},
                     {"approximate", check.approximate},
                     {"recall", check.recall},
                     {"worst", check.worst},
                     {"search_ms", check.search_ms},
                     {"exact_ms", check.exact_ms}});
    output.line(fmt::format("{} of the nearest {} were found, {} by the worst of {}", percent(check.recall),
                            recall.options.limit, percent(check.worst),
                            count_text(static_cast<std::int64_t>(check.queries), "search", "searches")));
    output.line(fmt::format("{} of them took an ANN index; {:.1f} ms a search, {:.1f} ms with a look at every row",
                            check.approximate, check.search_ms, check.exact_ms));
    if (recall.at_least && check.recall < *recall.at_least) context.exit = ExitCode::negative;
}

}  // namespace

void add_index_recall(CLI::App& index, Context& context) {
    CLI::App* command = index.add_subcommand("recall-check", "Measures how much of the nearest a search finds");
    auto recall = std::make_shared<RecallCommand>();
    add_index_table(*command, recall->table);
    command->add_option("--queries", recall->options.queries, "How many searches (default: 50)")
        ->option_text("N")
        ->check(CLI::Range(1, 100'000));
    command->add_option("-l,--limit", recall->options.limit, "For so many documents each (default: 10)")
        ->option_text("N")
        ->check(CLI::Range(1, 1000));
    add_where_option(*command, recall->where);
    command->add_option("--at-least", recall->at_least, "End with status 1 if the recall is less, for example 0.99")
        ->option_text("X")
        ->check(CLI::Range(0.0, 1.0));
    command->footer(
        R"(Documents of the index, drawn at random, are searched for as a program would and by a look at every row, and what was
found is compared. Without an ANN index it is all of them. No embedder is needed. Questions of users may be harder.

Examples:
  stele index recall-check tickets
  stele index recall-check tickets --where 'status = open' --queries 200 --at-least 0.99)");
    command->callback([&context, recall] { run(context, *recall); });
}

}  // namespace stele::cli
