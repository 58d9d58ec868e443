#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <optional>

#include "cache_command.hpp"
#include "context.hpp"
#include "stele/semantic_cache.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

void vacuum(Context& context, const ScopeOptions& options) {
    std::optional<Scope> scope;
    if (options.given()) scope = options.scope();
    SemanticCache cache(context.database(), nullptr);
    const std::size_t removed = cache.vacuum(scope, context.deadline());
    context.output().document(
        {{"namespace", scope ? nlohmann::json(scope->tenant()) : nlohmann::json()}, {"removed", removed}});
    context.output().line(count_text(static_cast<std::int64_t>(removed), "entry", "entries") + " removed");
}

}  // namespace

void add_cache_vacuum(CLI::App& cache, Context& context) {
    CLI::App* command = cache.add_subcommand("vacuum", "Removes answers that have expired");
    auto options = std::make_shared<ScopeOptions>();
    add_scope_options(*command, *options);
    command->footer(
        R"(Of all namespaces unless one is named. Nobody is served what has expired, so this frees space, no more. It goes in
small batches beside whoever uses the cache; after --deadline what was removed until then stays removed.

Examples:
  stele cache vacuum
  stele cache vacuum --namespace acme --json)");
    command->callback([&context, options] { vacuum(context, *options); });
}

}  // namespace stele::cli
