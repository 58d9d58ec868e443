#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cache_command.hpp"
#include "context.hpp"
#include "stele/semantic_cache.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

using nlohmann::json;

/// "model=m-7b, lang=de"
std::string attributes_text(const json& attributes) {
    std::vector<std::string> parts;
    for (const auto& [name, value] : attributes.items()) {
        parts.push_back(fmt::format("{}={}", one_line(name),
                                    one_line(value.is_string() ? value.get<std::string>() : value.dump())));
    }
    return joined(parts, ", ");
}

void run(Context& context) {
    SemanticCache cache(context.database(), nullptr);
    json documents = json::array();
    Table table{{"tenant", "entries", "size", "attributes"}, {}, {false, true, true}};
    for (const CacheNamespace& each : cache.namespaces(context.deadline())) {
        const json attributes = json::parse(each.attributes.text());
        documents.push_back({{"namespace", each.stored_namespace},
                             {"tenant", each.tenant},
                             {"attributes", attributes},
                             {"entries", each.entries},
                             {"bytes", each.bytes}});
        table.rows.push_back({one_line(each.tenant), fmt::format("{}", each.entries),
                              bytes_text(static_cast<std::uint64_t>(each.bytes)), attributes_text(attributes)});
    }
    context.output().document({{"namespaces", documents}});
    if (table.rows.empty()) {
        context.output().note("no namespace holds entries");
        return;
    }
    context.output().table(table);
}

}  // namespace

void add_cache_namespaces(CLI::App& cache, Context& context) {
    CLI::App* command = cache.add_subcommand("namespaces", "Lists the namespaces that hold answers");
    command->footer(R"(With those answers that have expired and were not removed yet (stele cache vacuum does).

Examples:
  stele cache namespaces
  stele cache namespaces --json | jq '.namespaces[] | select(.entries > 1000) | .tenant')");
    command->callback([&context] { run(context); });
}

}  // namespace stele::cli
