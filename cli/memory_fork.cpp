#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "memory_command.hpp"
#include "revision_command.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

struct ForkCommand {
    KindOption kind;
    std::string thread, fork;
    std::string at;
};

void run(Context& context, const ForkCommand& command) {
    const auto at = command.at.empty() ? std::nullopt : std::optional(parse_time("--at", command.at));
    const MemoryPosition position =
        open_threads(context, command.kind).fork(command.thread, command.fork, at, context.deadline());
    const std::string until = to_iso8601(position.newest.value());
    const Output& output = context.output();
    output.document({{"thread", command.fork}, {"parent", command.thread}, {"until", until}});
    output.line(fmt::format("{} {} goes on from {}, of which it has what was there until {}", command.kind.noun(),
                            one_line(command.fork), one_line(command.thread), until));
}

}  // namespace

void add_memory_fork(CLI::App& memory, Context& context) {
    CLI::App* command = memory.add_subcommand("fork", "Begins a thread that goes on from another");
    auto options = std::make_shared<ForkCommand>();
    add_thread(*command, options->thread);
    command->add_option("fork", options->fork, "What the new one is called")->option_text("FORK")->required();
    add_kind(*command, options->kind);
    command->add_option("--at", options->at, "From this point, a time as `show` prints it (default: all there is)")
        ->option_text("TIME");
    command->footer(
        R"(Nothing is copied: what is pruned or deleted in the thread is gone for the fork, too. What either gets from then
on is its own. Programs of draive see of the fork only that.

Examples:
  stele memory fork thread-1 thread-1-again
  stele memory fork thread-1 what-if --at 2026-01-31T10:20:30.123456+00:00)");
    command->callback([&context, options] { run(context, *options); });
}

}  // namespace stele::cli
