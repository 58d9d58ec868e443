#include "memory_command.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

using nlohmann::json;

std::string text_of(const Content& content) {
    return content.text();
}
std::string text_of(const Reasoning& reasoning) {
    return "(thinks) " + reasoning.content.text();
}
std::string text_of(const ToolRequest& request) {
    return fmt::format("(calls {}) {}", request.tool, request.arguments.text());
}
std::string text_of(const ToolResponse& response) {
    return fmt::format("({} {}) {}", response.tool, response.handling == ToolHandling::error ? "failed" : "answers",
                       response.content.text());
}

}  // namespace

std::string KindOption::count_items(std::size_t count) const {
    return count_text(static_cast<std::int64_t>(count), item(), items());
}

void add_kind(CLI::App& command, KindOption& option) {
    command.add_flag("--models", option.models,
                     "Model memories, which hold elements, not conversations, which hold turns");
}

void add_thread(CLI::App& command, std::string& thread) {
    command.add_option("thread", thread, "The conversation or model memory")->option_text("THREAD")->required();
}

MemoryThreads open_threads(Context& context, const KindOption& option) {
    return {context.database(), option.kind()};
}

void fail_unknown_thread(const KindOption& option, const std::string& thread) {
    fail(ErrorCode::not_found, fmt::format("there is no {} '{}' (`stele memory list{}` shows those there are)",
                                           option.noun(), printable(thread), option.models ? " --models" : ""));
}

json json_of(const ConversationTurn& turn) {
    return json::parse(to_json(turn).text());
}

json json_of(const ModelElement& element) {
    return json::parse(to_json(element).text());
}

void print(const Output& output, const ModelElement& element) {
    const std::string_view who = std::holds_alternative<ModelInput>(element) ? "in" : "out";
    std::visit(
        [&](const auto& each) {
            for (const auto& block : each.blocks) {
                const std::string text = std::visit([](const auto& inner) { return text_of(inner); }, block);
                output.line(fmt::format("{} {}", output.paint(fmt::format("{:>3}", who), Tone::faint), one_line(text)));
            }
        },
        element);
}

void print(const Output& output, const ConversationTurn& turn) {
    const bool user = std::holds_alternative<UserTurn>(turn);
    const auto created = std::visit([](const auto& each) { return each.created; }, turn);
    output.line(output.paint(fmt::format("{} {}", created ? to_iso8601(*created) : "", user ? "user" : "assistant"),
                             Tone::strong));
    for (const ModelElement& element : to_elements(turn)) print(output, element);
}

void add_memory(CLI::App& app, Context& context) {
    CLI::App* memory = app.add_subcommand("memory", "Shows, follows and tidies up conversations and model memories");
    memory->require_subcommand(1, 1);
    add_memory_list(*memory, context);
    add_memory_show(*memory, context);
    add_memory_tail(*memory, context);
    add_memory_prune(*memory, context);
    add_memory_delete(*memory, context);
    add_memory_fork(*memory, context);
    add_memory_erase(*memory, context);
    add_memory_export(*memory, context);
    add_memory_import(*memory, context);
    memory->footer(R"(Conversations, unless --models says model memories. A thread is one of either.

Examples:
  stele memory list
  stele memory tail thread-1
  stele memory prune --older-than 90d --dry-run
  stele memory export > conversations.jsonl)");
}

}  // namespace stele::cli
