#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <nlohmann/json.hpp>
#include <vector>

#include "memory_command.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

using nlohmann::json;

struct ListCommand {
    KindOption kind;
    std::size_t limit = 50;
    std::optional<std::string> before, after;
    bool by_name = false;
};

/// `next`: what the option of that order takes for the page behind it.
struct Page {
    std::vector<MemoryThread> threads;
    std::optional<std::string> next;
};

Page read_page(const MemoryThreads& threads, const ListCommand& list, std::optional<Deadline> deadline) {
    if (!list.by_name) {
        MemoryThreadsPage page = threads.list(list.before, list.limit, deadline);
        return {std::move(page.threads), std::move(page.next)};
    }
    Page page{threads.by_identifier(list.after.value_or(""), list.limit + 1, deadline), {}};
    if (page.threads.size() > list.limit) {
        page.threads.pop_back();
        page.next = page.threads.back().identifier;
    }
    return page;
}

void run(Context& context, const ListCommand& list) {
    const Page page = read_page(open_threads(context, list.kind), list, context.deadline());
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
    const json next = page.next ? json(*page.next) : json();
    output.document({{"threads", std::move(documents)},
                     {"next_before", list.by_name ? json() : next},
                     {"next_after", list.by_name ? next : json()}});
    if (page.threads.empty()) {
        return output.note(
            fmt::format("no {}{}", list.kind.nouns(), list.before || list.after ? " behind that one" : " yet"));
    }
    output.table(table);
    if (page.next) {
        output.note(fmt::format("there are more: {} '{}'", list.by_name ? "--by-name --after" : "--before",
                                one_line(*page.next)));
    }
}

}  // namespace

void add_memory_list(CLI::App& memory, Context& context) {
    CLI::App* command = memory.add_subcommand("list", "Lists threads, the last active first");
    auto list = std::make_shared<ListCommand>();
    add_kind(*command, list->kind);
    command->add_option("-l,--limit", list->limit, "At most so many (default: 50)")
        ->option_text("N")
        ->check(CLI::Range(1, 100'000));
    auto* before = command->add_option("--before", list->before, "Only threads behind this page: the next one")
                       ->option_text("TOKEN");
    auto* by_name = command->add_flag("--by-name", list->by_name, "In the order of their names")->excludes(before);
    command->add_option("--after", list->after, "With --by-name: only threads behind this one")
        ->option_text("THREAD")
        ->needs(by_name);
    command->footer(
        R"(A thread that is used between two pages moves to the front. In the order of names, page by page, each thread that is
there all the while is met once, whatever is done with it.

Examples:
  stele memory list --limit 10
  stele memory list --by-name --limit 1000
  stele memory list --models --json | jq -r '.threads[].thread')");
    command->callback([&context, list] { run(context, *list); });
}

}  // namespace stele::cli
