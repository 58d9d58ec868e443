#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "memory_command.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

struct DeleteCommand {
    KindOption kind;
    std::string thread;
};

void run(Context& context, const DeleteCommand& command) {
    const RemovedThread removed = open_threads(context, command.kind).remove(command.thread, context.deadline());
    const Output& output = context.output();
    output.document({{"thread", command.thread},
                     {"removed", removed.found},
                     {std::string(command.kind.items()), removed.items},
                     {"bytes", removed.bytes},
                     {"snapshots", removed.snapshots},
                     {"forks", removed.forks}});
    const std::string name = fmt::format("{} {}", command.kind.noun(), one_line(command.thread));
    output.line(removed.found ? fmt::format("{}: removed, with {}", name, command.kind.count_items(removed.items))
                              : fmt::format("there is no {}", name));
    if (removed.forks > 0) {
        output.note(fmt::format("{} lost what it had of it",
                                count_text(static_cast<std::int64_t>(removed.forks), "fork", "forks")));
    }
    if (!removed.found) context.exit = ExitCode::negative;
}

}  // namespace

void add_memory_delete(CLI::App& memory, Context& context) {
    CLI::App* command = memory.add_subcommand("delete", "Removes a thread with all that belongs to it");
    auto options = std::make_shared<DeleteCommand>();
    add_thread(*command, options->thread);
    add_kind(*command, options->kind);
    command->footer(R"(It asks nothing, and nothing brings it back. The exit status is 1 when there was none.

Examples:
  stele memory delete thread-1
  stele memory export thread-1 > kept.jsonl && stele memory delete thread-1)");
    command->callback([&context, options] { run(context, *options); });
}

}  // namespace stele::cli
