#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "cache_command.hpp"
#include "context.hpp"
#include "duration_option.hpp"
#include "exit_code.hpp"
#include "stele/semantic_cache.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

using nlohmann::json;

struct ListCommand {
    ScopeOptions scope;
    std::size_t limit = 50;
    std::optional<std::int64_t> before;
    bool cold = false, all = false;
    std::string text, older_than, metadata = "{}", tag;

    bool pages() const { return !cold; }  // by ids, which say nothing about when an entry was used
    CacheEntryFilter filter() const {
        CacheEntryFilter filter;
        filter.order = cold ? EntryOrder::coldest_first : EntryOrder::newest_first;
        filter.text = text;
        filter.metadata = Json::parse(metadata);
        filter.tag = tag;
        if (!older_than.empty()) filter.min_age = parse_duration("--older-than", older_than);
        if (before) filter.after = CacheEntryFilter::Place{.id = *before};
        filter.limit = limit + 1;  // one more than asked for tells whether there are more
        return filter;
    }
};

json json_of(const CacheEntry& entry) {
    json depends_on = json::array();
    for (const Dependency& each : entry.depends_on) {
        depends_on.push_back({{"kind", each.kind}, {"name", each.name}, {"version", each.version}});
    }
    return {{"id", entry.id},
            {"query", entry.query},
            {"response", entry.response},
            {"metadata", json::parse(entry.metadata.text())},
            {"age_seconds", entry.age.count()},
            {"ttl_seconds", entry.ttl ? json(entry.ttl->count()) : json()},
            {"last_access", entry.last_access.time_since_epoch().count()},
            {"access_count", entry.access_count},
            {"tags", entry.tags},
            {"depends_on", depends_on},
            {"outdated", entry.outdated}};
}

std::string expires(const CacheEntry& entry) {
    if (entry.outdated) return "outdated";
    return entry.ttl ? "in " + duration_text((*entry.ttl - entry.age).count()) : "never";
}

std::string tags_of(const CacheEntry& entry) {
    std::string tags;
    for (const std::string& tag : entry.tags) tags.append(tags.empty() ? "" : ", ").append(one_line(tag));
    return tags;
}

Table table_of(const std::vector<CacheEntry>& entries, bool terminal) {
    constexpr std::size_t kQueryColumns = 48;
    const bool tagged =
        std::any_of(entries.begin(), entries.end(), [](const CacheEntry& entry) { return !entry.tags.empty(); });
    Table table{{"id", "age", "hits", "last used", "expires", "question", "answer"}, {}, {true, false, true}};
    if (tagged) table.headers.insert(table.headers.end() - 2, "tags");
    for (const CacheEntry& entry : entries) {
        const std::string query = one_line(entry.query);
        table.rows.push_back({fmt::format("{}", entry.id), duration_text(entry.age.count()),
                              fmt::format("{}", entry.access_count), age_text(entry.idle.count()), expires(entry),
                              terminal ? shortened(query, kQueryColumns) : query, one_line(entry.response)});
        if (tagged) table.rows.back().insert(table.rows.back().end() - 2, tags_of(entry));
    }
    return table;
}

void run(Context& context, const ListCommand& list) {
    if (list.all && list.scope.given()) refuse("--all and a namespace exclude each other: give one of them");
    if (list.before && !list.pages()) refuse("--before goes on in the list of the newest, not in that of --cold");
    const Scope scope = list.scope.scope();
    const std::optional<Scope> where = list.all ? std::nullopt : std::optional<Scope>(scope);
    SemanticCache cache(context.database(), nullptr);
    std::vector<CacheEntry> entries = cache.entries(where, list.filter(), context.deadline());
    const bool more = entries.size() > list.limit;
    if (more) entries.pop_back();

    json documents = json::array();
    for (const CacheEntry& entry : entries) documents.push_back(json_of(entry));
    const Output& output = context.output();
    output.document({{"namespace", list.all ? json() : json(scope.tenant())},
                     {"entries", documents},
                     {"next_before", more && list.pages() ? json(entries.back().id) : json()}});
    if (entries.empty()) {
        output.note(list.all ? std::string("no such entries")
                             : fmt::format("no such entries in namespace {}", scope.tenant()));
        return;
    }
    output.table(table_of(entries, output.terminal()));
    if (more) {
        output.note(list.pages() ? fmt::format("there are more: --before {}", entries.back().id)
                                 : std::string("there are more: --limit"));
    }
}

}  // namespace

void add_cache_list(CLI::App& cache, Context& context) {
    CLI::App* command = cache.add_subcommand("list", "Lists stored answers, the newest first");
    auto list = std::make_shared<ListCommand>();
    add_scope_options(*command, list->scope);
    command->add_option("-l,--limit", list->limit, "At most so many (default: 50)")
        ->option_text("N")
        ->check(CLI::Range(1, 100'000));
    command->add_option("--before", list->before, "Only entries older than this one: the next page")->option_text("ID");
    command->add_flag("--cold", list->cold, "The longest not used first, which go first when there is too much");
    command->add_flag("--all", list->all, "Of all namespaces");
    command->add_option("--text", list->text, "Only with this in the question or the answer, in any case")
        ->option_text("TEXT");
    command->add_option("--older-than", list->older_than, "Only those put so long ago: 90s, 15m, 12h, 7d")
        ->option_text("TIME");
    command->add_option("-m,--metadata", list->metadata, "Only those whose metadata contains this JSON object")
        ->option_text("JSON");
    command->add_option("--tag", list->tag, "Only those that were put with this tag")->option_text("TAG");
    command->footer(
        R"(Those of one namespace (default: default) that have not expired. What depends on something that is not current
any more is listed as outdated; nobody is served it.

Examples:
  stele cache list --limit 10
  stele cache list --cold --all --older-than 30d
  stele cache list --text refund --metadata '{"source":"faq"}'
  stele cache list --namespace acme --before 1234 --json | jq -r '.entries[].query')");
    command->callback([&context, list] { run(context, *list); });
}

}  // namespace stele::cli
