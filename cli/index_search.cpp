#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "context.hpp"
#include "exit_code.hpp"
#include "index_command.hpp"
#include "index_print.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

struct SearchCommand {
    std::string table, query;
    std::vector<std::string> where, show;
    SearchOptions<Json> options;
    EmbedderOptions embedder;
};

JsonIndex open_for_search(Context& context, const SearchCommand& search) {
    find_index(context, search.table);
    VectorIndexOptions options;
    options.table = search.table;
    options.create = false;
    return JsonIndex(index_database(context), make_index_embedder(context, search.embedder).embedder, options);
}

void print(const Output& output, const std::vector<Found<Json>>& found, const SearchCommand& search) {
    if (output.json()) {
        std::string matches;
        for (const auto& each : found) matches += (matches.empty() ? "" : ",") + json_text(each);
        output.json_line(fmt::format(R"({{"table":{},"found":[{}]}})", nlohmann::json(search.table).dump(), matches));
        return;
    }
    if (found.empty()) return output.note("nothing was found");
    output.table(table_of(found, search.show));
}

void run(Context& context, SearchCommand& search) {
    const Filter where = parse_where(search.where);
    for (const std::string& path : search.show) detail::parse_path(path);
    const JsonIndex index = open_for_search(context, search);
    check_members(index, where, context.deadline());
    search.options.where = FilterOf<Json>(where);
    search.options.deadline = context.deadline();
    const auto found =
        with_embedder_hint(context, search.table, [&] { return index.search(search.query, search.options); });
    print(context.output(), found, search);
    if (found.empty()) context.exit = ExitCode::negative;
}

}  // namespace

void add_index_search(CLI::App& index, Context& context) {
    CLI::App* command = index.add_subcommand("search", "Finds the documents that are most like a text");
    auto search = std::make_shared<SearchCommand>();
    add_index_table(*command, search->table);
    command->add_option("query", search->query, "What is looked for")->option_text("QUERY")->required();
    command->add_option("-l,--limit", search->options.limit, "At most so many (default: 8)")
        ->option_text("N")
        ->check(CLI::Range(1, 100'000));
    add_where_option(*command, search->where);
    command
        ->add_option("-t,--threshold", search->options.score_threshold, "Only with a cosine of at least this, -1 to 1")
        ->option_text("X");
    command->add_flag("--rerank", search->options.rerank,
                      "Choose documents that are like the query and unlike one another");
    command
        ->add_option("--lambda", search->options.lambda,
                     "With --rerank: 1 looks at the query alone, 0 at how they differ (default: 0.5)")
        ->option_text("X");
    add_show_option(*command, search->show);
    add_index_embedder_options(*command, search->embedder);
    command->footer(
        R"(Best first, with the cosine to the query. The embedder must be the one that the documents were indexed with. The
exit status is 1 when nothing was found. A filter is a member (author.name, tags[0], ["first name"]) and one of
  =  !=  <  <=  >  >=  VALUE      is one of VALUE, VALUE      contains VALUE      contains any of VALUE, VALUE
  starts with TEXT      has the words TEXT      is null      is not null      exists
joined by and, or, not and parentheses. Texts with blanks stand in double quotes.

Examples:
  stele index search handbook "How do I take a backup?"
  stele index search handbook backup --where 'path starts with admin/' --show path --show heading
  stele index search tickets "parcel lost" --where 'status = open and not (tags contains spam)' --json)");
    command->callback([&context, search] { run(context, *search); });
}

}  // namespace stele::cli
