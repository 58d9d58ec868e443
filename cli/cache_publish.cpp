#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <optional>

#include "cache_command.hpp"
#include "context.hpp"
#include "stele/publications.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

using nlohmann::json;

struct PublishCommand {
    std::string kind, name, version;
    std::size_t limit = 1'000;
};

void show(Context& context, const Publications& publications, const PublishCommand& asked) {
    std::optional<std::string> kind;
    if (!asked.kind.empty()) kind = asked.kind;
    json documents = json::array();
    Table table{{"kind", "name", "version", "published"}, {}, {}};
    for (const Publication& each : publications.list(kind, asked.limit, context.deadline())) {
        documents.push_back({{"kind", each.kind},
                             {"name", each.name},
                             {"version", each.version},
                             {"published", to_iso8601(each.published)}});
        table.rows.push_back(
            {one_line(each.kind), one_line(each.name), one_line(each.version), to_iso8601(each.published)});
    }
    context.output().document({{"published", documents}});
    if (table.rows.empty()) {
        context.output().note("nothing is published");
        return;
    }
    context.output().table(table);
}

void run(Context& context, const PublishCommand& asked) {
    Publications publications(context.database());
    if (asked.version.empty()) {
        if (!asked.name.empty()) refuse("say which version is current: KIND NAME VERSION");
        return show(context, publications, asked);
    }
    const bool published = publications.publish(asked.kind, asked.name, asked.version, context.deadline());
    context.output().document({{"published", published}});
    context.output().line(published ? "published; what depends on another version is not served any more"
                                    : "this version is current already");
}

}  // namespace

void add_cache_publish(CLI::App& cache, Context& context) {
    CLI::App* command = cache.add_subcommand("publish", "Says which version of something is current");
    auto publish = std::make_shared<PublishCommand>();
    command->add_option("kind", publish->kind, "What it is: document, model ...")->option_text("KIND");
    command->add_option("name", publish->name, "Its name")->option_text("NAME");
    command->add_option("version", publish->version, "Any text")->option_text("VERSION");
    command->add_option("-l,--limit", publish->limit, "Show at most so many (default: 1000)")
        ->option_text("N")
        ->check(CLI::Range(1, 100'000));
    command->footer(
        R"(Answers that were put with --depends-on and another version are misses from now on. Without NAME and VERSION it
shows what is published. Templates and configurations are published by `stele template set`, `stele config set`, and
labels by `stele label`.

Examples:
  stele cache publish document terms 8
  stele cache publish
  stele cache publish document --json | jq -r '.published[].name')");
    command->callback([&context, publish] { run(context, *publish); });
}

}  // namespace stele::cli
