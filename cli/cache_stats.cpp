#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <optional>

#include "cache_command.hpp"
#include "context.hpp"
#include "stele/semantic_cache.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

/// Nothing while nobody has asked.
std::optional<double> hit_rate(const CacheStats& stats) {
    const std::int64_t hits = stats.hits_exact + stats.hits_semantic;
    if (hits + stats.misses == 0) return std::nullopt;
    return static_cast<double>(hits) / static_cast<double>(hits + stats.misses);
}

void run(Context& context, const ScopeOptions& options) {
    std::optional<Scope> scope;
    if (options.given()) scope = options.scope();
    SemanticCache cache(context.database(), nullptr);
    const CacheStats stats = cache.stats(scope, context.deadline());
    const std::optional<double> rate = hit_rate(stats);
    const Output& output = context.output();
    output.document({{"namespace", scope ? nlohmann::json(scope->tenant()) : nlohmann::json()},
                     {"entries", stats.entries},
                     {"expired", stats.expired},
                     {"bytes", stats.bytes},
                     {"hits_exact", stats.hits_exact},
                     {"hits_semantic", stats.hits_semantic},
                     {"misses", stats.misses},
                     {"evictions", stats.evictions},
                     {"expirations", stats.expirations},
                     {"hit_rate", rate ? nlohmann::json(*rate) : nlohmann::json()}});
    output.line(output.paint(scope ? fmt::format("Namespace {}", scope->tenant()) : std::string("All namespaces"),
                             Tone::strong));
    output.fields({{"entries", fmt::format("{}", stats.entries)},
                   {"size", bytes_text(static_cast<std::uint64_t>(stats.bytes))},
                   {"exact hits", fmt::format("{}", stats.hits_exact)},
                   {"semantic hits", fmt::format("{}", stats.hits_semantic)},
                   {"misses", fmt::format("{}", stats.misses)},
                   {"evicted", fmt::format("{}", stats.evictions)},
                   {"expired", fmt::format("{}", stats.expirations)},
                   {"hit rate", rate ? fmt::format("{:.1f} %", *rate * 100) : std::string("-")}});
}

}  // namespace

void add_cache_stats(CLI::App& cache, Context& context) {
    CLI::App* command = cache.add_subcommand("stats", "Counts what is stored, found and missed");
    auto options = std::make_shared<ScopeOptions>();
    add_scope_options(*command, *options);
    command->footer(
        R"(Of all namespaces together unless one is named. Counted over all processes since the tables were made.

Examples:
  stele cache stats
  stele cache stats --namespace acme --json)");
    command->callback([&context, options] { run(context, *options); });
}

}  // namespace stele::cli
