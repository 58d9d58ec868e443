#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "context.hpp"
#include "exit_code.hpp"
#include "index_command.hpp"
#include "index_hybrid.hpp"
#include "index_print.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

struct SearchCommand {
    std::string table, query;
    std::vector<std::string> where, show;
    SearchOptions<Json> options;
    HybridArguments hybrid;
    EmbedderOptions embedder;
};

/// With the embedder; puts the filter and the deadline in their places.
JsonIndex prepare(Context& context, SearchCommand& search) {
    const Filter where = parse_where(search.where);
    VectorIndexOptions options;
    search.hybrid.apply(find_index(context, search.table), options);
    options.table = search.table;
    options.create = false;
    JsonIndex index(index_database(context), make_index_embedder(context, search.embedder).embedder, options);
    check_members(index, where, context.deadline());
    check_text_members(index, search.hybrid, context.deadline());
    search.options.where = FilterOf<Json>(where);
    search.options.deadline = context.deadline();
    return index;
}

template <class Each>
void print(Context& context, const SearchResult<Each>& found, const SearchCommand& search) {
    if (found.empty()) context.exit = ExitCode::negative;
    const Output& output = context.output();
    if (output.json()) {
        std::string matches;
        for (const auto& each : found) matches += (matches.empty() ? "" : ",") + found_text(each);
        output.json_line(fmt::format(R"({{"table":{},"completeness":"{}","found":[{}]}})",
                                     nlohmann::json(search.table).dump(), to_string(found.completeness()), matches));
        return;
    }
    if (found.empty()) return output.note("nothing was found");
    output.table(table_of(found, search.show));
    if (!found.is_exact())
        output.note("the ANN index was used: one of the nearest may be missing (--exact looks at all)");
}

void run(Context& context, SearchCommand& search) {
    for (const std::string& path : search.show) detail::parse_path(path);
    const JsonIndex index = prepare(context, search);
    with_embedder_hint(context, search.table, [&] {
        if (!search.hybrid.wanted) return print(context, index.search(search.query, search.options), search);
        print(context, index.search_hybrid(search.query, search.hybrid.beside(search.options)), search);
    });
}

void print(const Output& output, const SearchPlan& plan) {
    output.document({{"table", plan.table},
                     {"rows", plan.rows},
                     {"share", plan.share},
                     {"exact", plan.exact},
                     {"breadth", plan.breadth},
                     {"found", plan.found},
                     {"completeness", to_string(plan.completeness)},
                     {"sql", plan.sql},
                     {"plan", plan.lines}});
    output.fields(
        {{"table", fmt::format("{}, some {:.0f} documents", one_line(plan.table), plan.rows)},
         {"filter", fmt::format("leaves some {:.4g} % of them", plan.share * 100)},
         {"way", plan.exact ? "a look at every document that it leaves"
                            : fmt::format("the ANN index, with a breadth of {}", plan.breadth)},
         {"answer", fmt::format("{}: {}", count_text(static_cast<std::int64_t>(plan.found), "document", "documents"),
                                to_string(plan.completeness))}});
    output.line();
    output.line(printable(plan.sql));
    output.line();
    constexpr std::size_t kWidest = 160;  // a vector may stand in it
    for (const std::string& line : plan.lines) output.line(shortened(printable(line), kWidest));
}

void run_explain(Context& context, SearchCommand& search) {
    const JsonIndex index = prepare(context, search);
    print(context.output(), with_embedder_hint(context, search.table, [&] {
              if (!search.hybrid.wanted) return index.explain(search.query, search.options);
              return index.explain_hybrid(search.query, search.hybrid.beside(search.options));
          }));
}

/// All that decides what is found, and how.
void add_search_options(CLI::App& command, SearchCommand& search) {
    add_index_table(command, search.table);
    command.add_option("query", search.query, "What is looked for")->option_text("QUERY")->required();
    command.add_option("-l,--limit", search.options.limit, "At most so many (default: 8)")
        ->option_text("N")
        ->check(CLI::Range(1, 100'000));
    add_where_option(command, search.where);
    command
        .add_option("-t,--threshold", search.options.score_threshold, "Only with a cosine of at least this, -1 to 1")
        ->option_text("X");
    command.add_flag("--rerank", search.options.rerank,
                     "Choose documents that are like the query and unlike one another");
    command
        .add_option("--lambda", search.options.lambda,
                    "With --rerank: 1 looks at the query alone, 0 at how they differ (default: 0.5)")
        ->option_text("X");
    add_hybrid_options(command, search.hybrid);
    command.add_flag("--exact", search.options.exact, "Look at every document that the filter leaves: no ANN index");
    add_index_embedder_options(command, search.embedder);
}

}  // namespace

void add_index_search(CLI::App& index, Context& context) {
    CLI::App* command = index.add_subcommand("search", "Finds the documents that are most like a text");
    auto search = std::make_shared<SearchCommand>();
    add_search_options(*command, *search);
    add_show_option(*command, search->show);
    command->footer(
        R"(Best first, with the cosine to the query. The embedder must be the one that the documents were indexed with. The
exit status is 1 when nothing was found.

With --hybrid all words of the query (or of --words) are looked for, too: "those in quotes" next to one another, one of
two with `or` between them, and -word must not be there. The score is made of the places by meaning and by words.

A filter is a member (author.name, tags[0], ["first name"]) and one of
  =  !=  <  <=  >  >=  VALUE      is one of VALUE, VALUE      contains VALUE      contains any of VALUE, VALUE
  starts with TEXT      has the words TEXT      is null      is not null      exists
joined by and, or, not and parentheses. Texts with blanks stand in double quotes.

Examples:
  stele index search handbook "How do I take a backup?"
  stele index search handbook backup --where 'path starts with admin/' --show path --show heading
  stele index search tickets "parcel lost" --where 'status = open and not (tags contains spam)' --json
  stele index search tickets "printer shows error 17" --hybrid --words '"error 17" or printer')");
    command->callback([&context, search] { run(context, *search); });
}

void add_index_explain(CLI::App& index, Context& context) {
    CLI::App* command = index.add_subcommand("explain", "Does a search and says how it was done");
    auto search = std::make_shared<SearchCommand>();
    add_search_options(*command, *search);
    command->footer(
        R"(What was estimated, which way was taken, what the answer is worth, the statement and PostgreSQL's plan of it, with
times. stele index search --help says what a filter is.

Examples:
  stele index explain tickets "parcel lost" --where 'status = open'
  stele index explain tickets "parcel lost" --exact --json | jq -r '.plan[]')");
    command->callback([&context, search] { run_explain(context, *search); });
}

}  // namespace stele::cli
