#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "context.hpp"
#include "exit_code.hpp"
#include "fingerprint_options.hpp"
#include "index_command.hpp"
#include "index_print.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

using nlohmann::json;

struct ListCommand {
    std::string table;
    std::vector<std::string> where, show;
    std::int64_t limit = 50;
    std::string after;
};

/// "2026-01-31T10:00:00+00:00,ID"
std::string text_of(const IndexCursor& cursor) {
    return to_iso8601(cursor.created) + "," + cursor.id.to_string();
}

IndexCursor parse_cursor(const std::string& text) {
    const std::size_t comma = text.find(',');
    const auto created = parse_iso8601(text.substr(0, comma));
    const auto id = comma == std::string::npos ? std::nullopt : Uuid::parse(text.substr(comma + 1));
    if (!created || !id) refuse(fmt::format("'{}' is no --after; the page before says what it is", one_line(text)));
    return {*created, *id};
}

void list_documents(Context& context, const ListCommand& list) {
    const Filter where = parse_where(list.where);
    for (const std::string& path : list.show) detail::parse_path(path);
    SearchOptions<Json> options;
    options.limit = list.limit;
    options.where = FilterOf<Json>(where);
    options.deadline = context.deadline();
    if (!list.after.empty()) options.after = parse_cursor(list.after);
    const JsonIndex index = open_index(context, list.table);
    check_members(index, where, context.deadline());
    const auto found = index.newest(options);
    const bool more = found.size() == static_cast<std::size_t>(list.limit);
    const Output& output = context.output();
    if (output.json()) {
        std::string documents;
        for (const auto& each : found) documents += (documents.empty() ? "" : ",") + found_text(each);
        output.json_line(fmt::format(R"({{"table":{},"documents":[{}],"next_after":{}}})", json(list.table).dump(),
                                     documents, more ? json(text_of(found.back().cursor())).dump() : "null"));
        return;
    }
    if (found.empty()) return output.note("no documents");
    output.table(table_of(found, list.show));
    if (more) output.note(fmt::format("there may be more: --after {}", text_of(found.back().cursor())));
}

json text_json(const std::vector<IndexedText>& text) {
    json all = json::array();
    for (const IndexedText& each : text) {
        all.push_back({{"members", each.members}, {"configuration", each.configuration}});
    }
    return all;
}

void list_indexes(Context& context) {
    Database& database = index_database(context);
    json documents = json::array();
    Table table{{"index", "documents", "size", "vectors", "ann", "embedder"}, {}, {false, true, true}};
    for (const IndexTableInfo& info : index_tables(database, context.deadline())) {
        const std::size_t count = open_index(context, info.table).count({}, context.deadline());
        documents.push_back({{"table", info.table},
                             {"documents", count},
                             {"bytes", info.bytes},
                             {"dimension", info.dimension},
                             {"type", to_string(info.type)},
                             {"ann", to_string(info.ann)},
                             {"keyed", info.keyed},
                             {"text", text_json(info.text)},
                             {"embedder", info.fingerprint.empty() ? json() : json(info.fingerprint)}});
        table.rows.push_back({one_line(info.table), fmt::format("{}", count), bytes_text(info.bytes),
                              fmt::format("{} of {}", to_string(info.type), info.dimension),
                              std::string(to_string(info.ann)),
                              options_naming(info.fingerprint).value_or(one_line(info.fingerprint))});
    }
    const Output& output = context.output();
    output.document({{"schema", database.schema()}, {"indexes", documents}});
    if (table.rows.empty()) return output.note(fmt::format("no index in schema {}", database.schema()));
    output.table(table);
}

void run(Context& context, const ListCommand& list) {
    if (!list.table.empty()) return list_documents(context, list);
    if (!list.where.empty() || !list.show.empty() || !list.after.empty()) {
        refuse("--where, --show and --after are about the documents of one index: name it");
    }
    list_indexes(context);
}

}  // namespace

void add_index_list(CLI::App& index, Context& context) {
    CLI::App* command = index.add_subcommand("list", "Lists the indexes, or the documents of one, the newest first");
    auto list = std::make_shared<ListCommand>();
    command->add_option("table", list->table, "List its documents (default: list the indexes)")->option_text("TABLE");
    add_where_option(*command, list->where);
    command->add_option("-l,--limit", list->limit, "At most so many documents (default: 50)")
        ->option_text("N")
        ->check(CLI::Range(1, 100'000));
    command->add_option("--after", list->after, "Only documents behind this place: the next page")
        ->option_text("PLACE");
    add_show_option(*command, list->show);
    command->footer(R"(stele index search --help says what a filter is.

Examples:
  stele index list
  stele index list handbook --show path --show position
  stele index list tickets --where 'status = open' --json | jq -c '.documents[].document')");
    command->callback([&context, list] { run(context, *list); });
}

}  // namespace stele::cli
