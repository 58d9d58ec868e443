#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cluster_text.hpp"
#include "revision_command.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

std::size_t remove(Context& context, RevisionStore& store, const std::string& identifier) {
    try {
        return store.remove(identifier, context.deadline());
    } catch (const Error& error) {
        if (error.code() != ErrorCode::constraint_violation) throw;
        const StoreKind& kind = store.kind();
        std::vector<std::string> labels;
        for (const Label& label : store.labels().list({kind.store, identifier, {}}, context.deadline())) {
            labels.push_back(label.label);
        }
        if (labels.empty()) throw;
        ErrorInfo info = error.info();
        info.message =
            fmt::format("the {} '{}' stays, since it has the {} {}; first `stele {} label {} {} --remove`", kind.noun,
                        identifier, labels.size() == 1 ? "label" : "labels", joined(labels, ", "), kind.command,
                        shell_word(identifier), labels.size() == 1 ? shell_word(labels.front()) : "LABEL");
        throw Error(std::move(info));
    }
}

void run(Context& context, const StoreKind& kind, const std::string& identifier) {
    const auto store = open_store(context.database(), kind);
    const std::size_t gone = remove(context, *store, identifier);
    const Output& output = context.output();
    output.document({{"identifier", identifier}, {"removed", gone}});
    output.line(gone > 0 ? fmt::format("{} {}: removed, with {}", kind.noun, one_line(identifier),
                                       count_text(static_cast<std::int64_t>(gone), "revision", "revisions"))
                         : fmt::format("there is no {} {}", kind.noun, one_line(identifier)));
    if (gone == 0) context.exit = ExitCode::negative;
}

}  // namespace

void add_revision_remove(CLI::App& parent, const StoreKind& kind, Context& context) {
    CLI::App* command = parent.add_subcommand("remove", fmt::format("Removes a {} with all its revisions", kind.noun));
    auto identifier = std::make_shared<std::string>();
    add_identifier(*command, kind, *identifier);
    command->footer(fmt::format(
        R"(It asks nothing, and nothing brings it back. One that has a label is refused: `label --remove` takes it away first.
The exit status is 1 when there was none.

Examples:
  stele {0} remove {1}
  stele {0} get {1} > kept && stele {0} remove {1})",
        kind.command, kind.example));
    command->callback([&context, &kind, identifier] { run(context, kind, *identifier); });
}

}  // namespace stele::cli
