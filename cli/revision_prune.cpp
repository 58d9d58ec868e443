#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <nlohmann/json.hpp>

#include "duration_option.hpp"
#include "revision_command.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

using nlohmann::json;

struct PruneCommand {
    std::optional<std::string> identifier;
    std::optional<std::size_t> keep;
    std::string older_than;
    bool dry_run = false;
};

void run(Context& context, const StoreKind& kind, const PruneCommand& prune) {
    if (!prune.keep && prune.older_than.empty()) {
        refuse("say what may go: --keep N, --older-than TIME, or both, of which then both must hold");
    }
    PruneOptions options{.identifier = prune.identifier, .keep = prune.keep.value_or(1), .dry_run = prune.dry_run};
    if (!prune.older_than.empty()) {
        const auto age = parse_duration("--older-than", prune.older_than);
        options.created_before = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now()) - age;
    }
    const auto store = open_store(context.database(), kind);
    if (prune.identifier && !newest_revision(*store, *prune.identifier, context.deadline())) {
        fail_unknown(kind, *prune.identifier);
    }
    const Pruned pruned = store->prune(options, context.deadline());

    json revisions = json::array();
    Table table{{std::string(kind.noun), "revision"}, {}, {}};
    for (const PrunedRevision& each : pruned.revisions) {
        revisions.push_back({{"identifier", each.identifier}, {"revision", to_iso8601(each.created)}});
        table.rows.push_back({one_line(each.identifier), to_iso8601(each.created)});
    }
    const Output& output = context.output();
    output.document({{"dry_run", prune.dry_run}, {"revisions", revisions}, {"labelled", pruned.labelled}});
    if (prune.dry_run && !table.rows.empty()) output.table(table);
    output.line(fmt::format("{} {}",
                            count_text(static_cast<std::int64_t>(pruned.revisions.size()), "revision", "revisions"),
                            prune.dry_run ? "would go" : "removed"));
    if (pruned.labelled > 0) {
        output.note(fmt::format("{} {} because of a label",
                                count_text(static_cast<std::int64_t>(pruned.labelled), "more", "more"),
                                pruned.labelled == 1 ? "stays" : "stay"));
    }
}

}  // namespace

void add_revision_prune(CLI::App& parent, const StoreKind& kind, Context& context) {
    CLI::App* command = parent.add_subcommand("prune", fmt::format("Removes old revisions of {}", kind.nouns));
    auto prune = std::make_shared<PruneCommand>();
    command->add_option("id", prune->identifier, fmt::format("Of this {} only (default: of all)", kind.noun))
        ->option_text("ID");
    command->add_option("--keep", prune->keep, "The newest so many of each stay")
        ->option_text("N")
        ->check(CLI::Range(1, 1'000'000'000));
    command->add_option("--older-than", prune->older_than, "Younger ones stay: 90s, 15m, 12h, 90d")
        ->option_text("TIME");
    command->add_flag("-n,--dry-run", prune->dry_run, "List what would go; change nothing");
    command->footer(fmt::format(R"(The newest revision of each always stays, and so does one that has a label. The
exit status is 1 when there is no ID.

Examples:
  stele {0} prune --keep 20 --older-than 90d --dry-run
  stele {0} prune --keep 5 {1})",
                                kind.command, kind.example));
    command->callback([&context, &kind, prune] { run(context, kind, *prune); });
}

}  // namespace stele::cli
