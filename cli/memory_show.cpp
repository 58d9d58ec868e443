#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "memory_command.hpp"
#include "stele/conversation_memory.hpp"
#include "stele/model_memory.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

using nlohmann::json;

struct ShowCommand {
    KindOption kind;
    std::string thread;
    std::size_t limit = 20;
    std::optional<std::string> before;
};

void show_conversation(Context& context, const ShowCommand& show) {
    const ConversationMemory conversation(context.database(), show.thread);
    const ConversationPage page =
        conversation.fetch(show.before, static_cast<std::int64_t>(show.limit), context.deadline());
    if (page.turns.empty() && !open_threads(context, show.kind).find(show.thread, context.deadline())) {
        fail_unknown_thread(show.kind, show.thread);
    }
    json turns = json::array();
    for (const ConversationTurn& turn : page.turns) turns.push_back(json_of(turn));
    const Output& output = context.output();
    output.document(
        {{"thread", show.thread}, {"turns", std::move(turns)}, {"next_before", page.next ? json(*page.next) : json()}});
    if (page.next) output.note(fmt::format("there are older ones: --before {}", *page.next));
    for (const ConversationTurn& turn : page.turns) print(output, turn);
}

void show_model(Context& context, const ShowCommand& show) {
    if (show.before) refuse("--before is for conversations: elements have no pages, so take a larger --limit");
    const ModelMemory memory(context.database(), show.thread);
    const ModelMemoryRecall recalled = memory.recall({.limit = show.limit, .replay = Replay::all}, context.deadline());
    if (!recalled.position.newest && !open_threads(context, show.kind).find(show.thread, context.deadline())) {
        fail_unknown_thread(show.kind, show.thread);
    }
    json elements = json::array();
    for (const ModelElement& element : recalled.context) elements.push_back(json_of(element));
    const Output& output = context.output();
    output.document({{"thread", show.thread},
                     {"elements", std::move(elements)},
                     {"variables", json::parse(recalled.variables.text())},
                     {"older", recalled.older}});
    if (recalled.older) output.note("there are older ones: a larger --limit shows them");
    for (const ModelElement& element : recalled.context) print(output, element);
    if (!same_value(recalled.variables, Json::object())) {
        output.line(fmt::format("{} {}", output.paint("variables", Tone::strong), one_line(recalled.variables.text())));
    }
}

}  // namespace

void add_memory_show(CLI::App& memory, Context& context) {
    CLI::App* command = memory.add_subcommand("show", "Shows the newest of a thread, the oldest of them first");
    auto show = std::make_shared<ShowCommand>();
    add_thread(*command, show->thread);
    add_kind(*command, show->kind);
    command->add_option("-l,--limit", show->limit, "At most so many turns or elements (default: 20)")
        ->option_text("N")
        ->check(CLI::Range(1, 100'000));
    command->add_option("--before", show->before, "Only turns before this page: the next one")->option_text("TOKEN");
    command->footer(R"(All that is stored, also calls of tools that were never answered.

Examples:
  stele memory show thread-1
  stele memory show agent-7 --models --limit 100 --json | jq .variables)");
    command->callback(
        [&context, show] { show->kind.models ? show_model(context, *show) : show_conversation(context, *show); });
}

}  // namespace stele::cli
