#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "revision_command.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

using nlohmann::json;

struct HistoryCommand {
    std::string identifier;
    std::size_t limit = 50;
    std::string before;
};

json json_of(const Revision& revision) {
    return {{"revision", to_iso8601(revision.created)},
            {"author", revision.author ? json(*revision.author) : json()},
            {"message", revision.message ? json(*revision.message) : json()},
            {"labels", revision.labels}};
}

void run(Context& context, const StoreKind& kind, const HistoryCommand& history) {
    // one more than asked for tells whether there are more
    HistoryOptions options{.limit = history.limit + 1};
    if (!history.before.empty()) options.before = parse_time("--before", history.before);
    const auto store = open_store(context.database(), kind);
    auto revisions = store->history(history.identifier, options, context.deadline());
    if (revisions.empty() && (!options.before || !newest_revision(*store, history.identifier, context.deadline()))) {
        fail_unknown(kind, history.identifier);
    }
    const bool more = revisions.size() > history.limit;
    if (more) revisions.pop_back();

    json documents = json::array();
    Table table{{"revision", "author", "labels", "message"}, {}, {}};
    for (const Revision& revision : revisions) {
        documents.push_back(json_of(revision));
        table.rows.push_back({to_iso8601(revision.created), one_line(revision.author.value_or("")),
                              one_line(fmt::format("{}", fmt::join(revision.labels, ", "))),
                              one_line(revision.message.value_or(""))});
    }
    const Output& output = context.output();
    const std::string next = more ? to_iso8601(revisions.back().created) : "";
    output.document(
        {{"identifier", history.identifier}, {"revisions", documents}, {"next_before", more ? json(next) : json()}});
    if (revisions.empty()) return output.note("no revision is older than that");
    output.table(table);
    if (more) output.note(fmt::format("there are more: --before {}", next));
}

}  // namespace

void add_revision_history(CLI::App& parent, const StoreKind& kind, Context& context) {
    CLI::App* command =
        parent.add_subcommand("history", fmt::format("Lists the revisions of a {}, the newest first", kind.noun));
    auto history = std::make_shared<HistoryCommand>();
    add_identifier(*command, kind, history->identifier);
    command->add_option("--limit", history->limit, "At most so many (default: 50)")
        ->option_text("N")
        ->check(CLI::Range(1, 100'000));
    command->add_option("--before", history->before, "Only revisions older than this one: the next page")
        ->option_text("TIME");
    command->footer(fmt::format(R"(The exit status is 1 when there is no such {2}.

Examples:
  stele {0} history {1}
  stele {0} history {1} --limit 1 --json | jq -r '.revisions[0].revision')",
                                kind.command, kind.example, kind.noun));
    command->callback([&context, &kind, history] { run(context, kind, *history); });
}

}  // namespace stele::cli
