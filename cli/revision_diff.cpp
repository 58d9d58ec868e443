#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "revision_command.hpp"

namespace stele::cli {
namespace {

struct DiffCommand {
    std::string identifier;
    std::string from;
    std::string to = "newest";
};

/// The revision before the newest.
Revision previous_revision(const RevisionStore& store, const std::string& identifier,
                           const std::optional<Deadline>& until) {
    auto two = store.history(identifier, {.limit = 2}, until);
    if (two.empty()) fail_unknown(store.kind(), identifier);
    if (two.size() == 1) {
        fail(ErrorCode::not_found, fmt::format("the {} '{}' has one revision only, {}: there is nothing to compare it "
                                               "with",
                                               store.kind().noun, identifier, to_iso8601(two.front().created)));
    }
    return std::move(two.back());
}

void run(Context& context, const StoreKind& kind, const DiffCommand& diff) {
    const auto from = diff.from.empty() ? std::nullopt : std::optional(parse_selector("FROM", diff.from));
    const RevisionSelector to = parse_selector("TO", diff.to);
    const auto store = open_store(context.database(), kind);
    const auto until = context.deadline();
    const Timestamp before = from ? find_revision(*store, diff.identifier, *from, until).created
                                  : previous_revision(*store, diff.identifier, until).created;
    const Timestamp after = find_revision(*store, diff.identifier, to, until).created;
    const std::string text =
        store->diff(diff.identifier, RevisionSelector::exactly(before), RevisionSelector::exactly(after), until);
    const Output& output = context.output();
    output.document(
        {{"identifier", diff.identifier}, {"from", to_iso8601(before)}, {"to", to_iso8601(after)}, {"diff", text}});
    print_diff(output, text);
    output.note(
        fmt::format("{} to {}{}", to_iso8601(before), to_iso8601(after), text.empty() ? ": no difference" : ""));
}

}  // namespace

void add_revision_diff(CLI::App& parent, const StoreKind& kind, Context& context) {
    CLI::App* command =
        parent.add_subcommand("diff", fmt::format("Shows what changed between two revisions of a {}", kind.noun));
    auto diff = std::make_shared<DiffCommand>();
    add_identifier(*command, kind, diff->identifier);
    command
        ->add_option("from", diff->from, "A revision as `history` prints it, or label:NAME (default: the last but one)")
        ->option_text("FROM");
    command->add_option("to", diff->to, "The same (default: newest)")->option_text("TO");
    command->footer(fmt::format(R"({2}

Examples:
  stele {0} diff {1}
  stele {0} diff {1} label:production
  stele {0} diff {1} label:production label:staging)",
                                kind.command, kind.example,
                                kind.templates()
                                    ? "Of the bodies a unified diff, which `patch` takes; then description, variables "
                                      "and meta, with - and +."
                                    : "A line for each value that differs, - for what was and + for what is."));
    command->callback([&context, &kind, diff] { run(context, kind, *diff); });
}

}  // namespace stele::cli
