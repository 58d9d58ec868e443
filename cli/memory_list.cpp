#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <nlohmann/json.hpp>

#include "memory_command.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

using nlohmann::json;

struct ListCommand {
    KindOption kind;
    std::size_t limit = 50;
    std::optional<std::string> before;
};

void run(Context& context, const ListCommand& list) {
    const MemoryThreadsPage page = open_threads(context, list.kind).list(list.before, list.limit, context.deadline());
    json documents = json::array();
    Table table{{"thread", std::string(list.kind.items()), "size", "active"}, {}, {false, true, true}};
    const auto now = std::chrono::system_clock::now();
    for (const MemoryThread& each : page.threads) {
        documents.push_back({{"thread", each.identifier},
                             {std::string(list.kind.items()), each.items},
                             {"bytes", each.bytes},
                             {"active", to_iso8601(each.active)},
                             {"parent", each.parent ? json(*each.parent) : json()}});
        const auto age = std::chrono::duration_cast<std::chrono::seconds>(now - each.active).count();
        table.rows.push_back(
            {one_line(each.identifier), fmt::format("{}", each.items), bytes_text(each.bytes), age_text(age)});
    }
    const Output& output = context.output();
    output.document({{"threads", std::move(documents)}, {"next_before", page.next ? json(*page.next) : json()}});
    if (page.threads.empty()) {
        return output.note(fmt::format("no {}{}", list.kind.nouns(), list.before ? " before that one" : " yet"));
    }
    output.table(table);
    if (page.next) output.note(fmt::format("there are more: --before '{}'", one_line(*page.next)));
}

}  // namespace

void add_memory_list(CLI::App& memory, Context& context) {
    CLI::App* command = memory.add_subcommand("list", "Lists threads, the last active first");
    auto list = std::make_shared<ListCommand>();
    add_kind(*command, list->kind);
    command->add_option("-l,--limit", list->limit, "At most so many (default: 50)")
        ->option_text("N")
        ->check(CLI::Range(1, 100'000));
    command->add_option("--before", list->before, "Only threads behind this page: the next one")->option_text("TOKEN");
    command->footer(R"(Examples:
  stele memory list --limit 10
  stele memory list --models --json | jq -r '.threads[].thread')");
    command->callback([&context, list] { run(context, *list); });
}

}  // namespace stele::cli
