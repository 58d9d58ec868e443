#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cache_command.hpp"
#include "context.hpp"
#include "exit_code.hpp"
#include "stele/semantic_cache.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

struct RemoveCommand {
    std::string query;
    ScopeOptions scope;
    std::string tag;
    bool whole_tenant = false;
};

void remove_tagged(Context& context, SemanticCache& cache, const RemoveCommand& remove, const Scope& scope) {
    const std::size_t removed = cache.remove_tagged(remove.tag, scope, remove.whole_tenant, context.deadline());
    context.output().document({{"removed", removed}});
    context.output().line(count_text(static_cast<std::int64_t>(removed), "entry", "entries") + " removed");
    if (removed == 0) context.exit = ExitCode::negative;
}

void run(Context& context, const RemoveCommand& remove) {
    const Scope scope = remove.scope.scope();
    if (remove.query.empty() == remove.tag.empty()) refuse("say what to remove: the question, or --tag");
    if (remove.whole_tenant && remove.tag.empty()) refuse("--whole-tenant goes with --tag");
    SemanticCache cache(context.database(), nullptr);
    if (!remove.tag.empty()) return remove_tagged(context, cache, remove, scope);
    const bool removed = cache.remove(remove.query, scope, context.deadline());
    context.output().document({{"removed", removed}});
    context.output().line(removed ? "removed" : "there is no answer to this question");
    if (!removed) context.exit = ExitCode::negative;
}

}  // namespace

void add_cache_remove(CLI::App& cache, Context& context) {
    CLI::App* command = cache.add_subcommand("remove", "Removes the answer to a question, or all that have a tag");
    auto remove = std::make_shared<RemoveCommand>();
    command->add_option("query", remove->query, "The question (blanks and case do not matter)")->option_text("QUERY");
    add_scope_options(*command, remove->scope);
    command->add_option("--tag", remove->tag, "All answers that were put with this tag, instead of a question's")
        ->option_text("TAG");
    command->add_flag("--whole-tenant", remove->whole_tenant, "With --tag: whatever the attributes of the scope");
    command->footer(R"(The exit status is 1 when there was none.

Examples:
  stele cache remove "Where is my order?"
  stele cache remove "Opening hours?" --namespace acme --attribute lang=de
  stele cache remove --tag returns --namespace acme --whole-tenant)");
    command->callback([&context, remove] { run(context, *remove); });
}

}  // namespace stele::cli
