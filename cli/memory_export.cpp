#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "memory_command.hpp"
#include "stele/conversation_memory.hpp"
#include "stele/model_memory.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

using nlohmann::json;

struct ExportCommand {
    KindOption kind;
    std::vector<std::string> threads;
};

/// All of one moment, one thread in memory at a time.
class Export {
public:
    Export(Context& context, const KindOption& kind)
        : context_(context),
          kind_(kind),
          moment_(context.database().begin({.isolation = Isolation::repeatable_read, .read_only = true})),
          threads_(open_threads(context, kind).in(moment_)) {}

    void all() {
        constexpr std::size_t kPage = 200;
        std::string after;
        for (;;) {
            const auto page = threads_.by_identifier(after, kPage, context_.deadline());
            for (const MemoryThread& each : page) one(each.identifier);
            if (page.size() < kPage) return;
            after = page.back().identifier;
        }
    }
    void named(const std::string& thread) {
        if (!threads_.find(thread, context_.deadline())) fail_unknown_thread(kind_, thread);
        one(thread);
    }
    void finish() {
        moment_.rollback(context_.deadline());
        context_.output().note(
            fmt::format("{} of {}", kind_.count_items(items_),
                        count_text(static_cast<std::int64_t>(written_), kind_.noun(), kind_.nouns())));
    }

private:
    void one(const std::string& thread) {
        kind_.models ? model(thread) : conversation(thread);
        ++written_;
    }
    void conversation(const std::string& thread) {
        constexpr std::size_t kPage = 500;
        const ConversationMemory memory = ConversationMemory(context_.database(), thread).in(moment_);
        std::vector<ConversationTurn> turns;  // the newest first
        std::optional<std::string> token;
        do {
            ConversationPage page = memory.fetch(token, kPage, context_.deadline());
            std::move(page.turns.rbegin(), page.turns.rend(), std::back_inserter(turns));
            token = page.next;
        } while (token);
        std::reverse(turns.begin(), turns.end());
        for (const ConversationTurn& turn : turns) line(thread, "turn", json_of(turn));
        items_ += turns.size();
    }
    void model(const std::string& thread) {
        const ModelMemory memory = ModelMemory(context_.database(), thread).in(moment_);
        const ModelMemoryRecall recalled = memory.recall({.limit = 0, .replay = Replay::all}, context_.deadline());
        for (const ModelElement& element : recalled.context) line(thread, "element", json_of(element));
        if (!same_value(recalled.variables, Json::object())) {
            line(thread, "variables", json::parse(recalled.variables.text()));
        }
        items_ += recalled.context.size();
    }
    void line(const std::string& thread, std::string_view what, json value) const {
        context_.output().json_line(json({{"thread", thread}, {std::string(what), std::move(value)}}).dump());
    }

    Context& context_;
    const KindOption& kind_;
    Transaction moment_;
    MemoryThreads threads_;
    std::size_t items_ = 0, written_ = 0;
};

void run(Context& context, const ExportCommand& command) {
    Export lines(context, command.kind);
    for (const std::string& thread : command.threads) lines.named(thread);
    if (command.threads.empty()) lines.all();
    lines.finish();
}

}  // namespace

void add_memory_export(CLI::App& memory, Context& context) {
    CLI::App* command = memory.add_subcommand("export", "Writes threads as lines of JSON");
    auto options = std::make_shared<ExportCommand>();
    command->add_option("thread", options->threads, "These only (default: all)")->option_text("THREAD...");
    add_kind(*command, options->kind);
    command->footer(
        R"(A line for each turn, {"thread":ID,"turn":{...}}, or element, {"thread":ID,"element":{...}}, the oldest first, and
for the newest variables of a model memory {"thread":ID,"variables":{...}}. All of one moment. `import` reads them.

Examples:
  stele memory export > conversations.jsonl
  stele memory export agent-7 --models | jq -c .element)");
    command->callback([&context, options] { run(context, *options); });
}

}  // namespace stele::cli
