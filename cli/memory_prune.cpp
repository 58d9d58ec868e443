#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <nlohmann/json.hpp>

#include "duration_option.hpp"
#include "memory_command.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

struct PruneCommand {
    KindOption kind;
    PruneThreadsOptions options;
    std::string older_than;
};

void run(Context& context, const PruneCommand& prune) {
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::seconds kNotes(5);
    if (!prune.options.keep && !prune.options.keep_bytes && prune.older_than.empty()) {
        refuse("say what stays: --keep N, --keep-bytes N, --older-than TIME, or several; what one keeps stays");
    }
    PruneThreadsOptions options = prune.options;
    if (!prune.older_than.empty()) {
        const auto age = parse_duration("--older-than", prune.older_than);
        options.created_before = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now()) - age;
    }
    const Output& output = context.output();
    options.progress = [&output, &prune, noted = Clock::now()](const PrunedThreads& done) mutable {
        if (Clock::now() - noted < kNotes) return;
        noted = Clock::now();
        output.note(fmt::format("{} so far; --after '{}' goes on from there", prune.kind.count_items(done.items),
                                one_line(done.last)));
    };
    const PrunedThreads pruned = open_threads(context, prune.kind).prune(options, context.deadline());
    output.document({{"dry_run", options.dry_run},
                     {"threads", pruned.threads},
                     {"threads_removed", pruned.removed},
                     {std::string(prune.kind.items()), pruned.items},
                     {"bytes", pruned.bytes},
                     {"snapshots", pruned.snapshots}});
    const auto count = [](std::size_t number, std::string_view one, std::string_view many) {
        return count_text(static_cast<std::int64_t>(number), one, many);
    };
    output.line(fmt::format("{}, {}, of {} {}", prune.kind.count_items(pruned.items), bytes_text(pruned.bytes),
                            count(pruned.threads, prune.kind.noun(), prune.kind.nouns()),
                            options.dry_run ? "would go" : "removed"));
    if (pruned.snapshots > 0) {
        output.line(fmt::format("with {} of variables", count(pruned.snapshots, "old snapshot", "old snapshots")));
    }
    if (pruned.removed > 0) {
        output.line(fmt::format("{} as a whole", count(pruned.removed, prune.kind.noun(), prune.kind.nouns())));
    }
}

}  // namespace

void add_memory_prune(CLI::App& memory, Context& context) {
    CLI::App* command = memory.add_subcommand("prune", "Removes what is old from threads");
    auto prune = std::make_shared<PruneCommand>();
    PruneThreadsOptions& options = prune->options;
    command->add_option("thread", options.identifier, "Of this one only (default: of all)")->option_text("THREAD");
    add_kind(*command, prune->kind);
    command->add_option("--keep", options.keep, "The newest so many of each stay")
        ->option_text("N")
        ->check(CLI::Range(1, 1'000'000'000));
    command->add_option("--keep-bytes", options.keep_bytes, "The newest of each stay that together have no more")
        ->option_text("BYTES")
        ->check(CLI::Range(1LL, 1'000'000'000'000LL));
    command->add_option("--older-than", prune->older_than, "Younger ones stay: 12h, 90d")->option_text("TIME");
    command->add_option("--after", options.after, "Only threads behind this one, in the order of their names")
        ->option_text("THREAD");
    command->add_flag("-n,--dry-run", options.dry_run, "Tell how much would go; change nothing");
    command->footer(
        R"(What one of the options keeps stays. With --older-than alone, threads that nobody used since go as a whole. A
response of a tool is never parted from its request. It works in small transactions; what was broken off is just
started again.

Examples:
  stele memory prune --older-than 90d --dry-run
  stele memory prune --models --keep 1000 --older-than 7d
  stele memory prune thread-1 --keep-bytes 1000000)");
    command->callback([&context, prune] { run(context, *prune); });
}

}  // namespace stele::cli
