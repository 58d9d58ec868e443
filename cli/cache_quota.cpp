#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <optional>

#include "cache_command.hpp"
#include "context.hpp"
#include "exit_code.hpp"
#include "stele/semantic_cache.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

using nlohmann::json;

struct QuotaCommand {
    std::string tenant;
    bool all = false, remove = false;
    CacheQuota quota;

    bool changes() const { return remove || !quota.empty(); }
};

struct Size {
    std::int64_t entries = 0, bytes = 0;
};

std::map<std::string, Size> sizes_of_tenants(const std::vector<CacheNamespace>& namespaces) {
    std::map<std::string, Size> sizes;
    for (const CacheNamespace& each : namespaces) {
        sizes[each.tenant].entries += each.entries;
        sizes[each.tenant].bytes += each.bytes;
    }
    return sizes;
}

json json_of(const CacheQuota& quota, const Size& size) {
    return {{"max_entries", quota.entries ? json(*quota.entries) : json()},
            {"max_bytes", quota.bytes ? json(*quota.bytes) : json()},
            {"entries", size.entries},
            {"bytes", size.bytes}};
}

std::vector<std::string> row_of(const std::string& whose, const CacheQuota& quota, const Size& size) {
    return {whose, fmt::format("{}", size.entries), quota.entries ? fmt::format("{}", *quota.entries) : "any",
            bytes_text(static_cast<std::uint64_t>(size.bytes)), quota.bytes ? bytes_text(*quota.bytes) : "any"};
}

void show(Context& context, SemanticCache& cache, const QuotaCommand& asked) {
    std::map<std::string, CacheQuota> quotas = cache.quotas(context.deadline());
    if (!asked.tenant.empty()) {
        const CacheQuota one = quotas[asked.tenant];
        quotas = {{asked.tenant, one}};
    }
    if (asked.all) quotas.clear();
    const CacheQuota limits = cache.limits(context.deadline());
    const std::map<std::string, Size> sizes = sizes_of_tenants(cache.namespaces(context.deadline()));
    Size all;
    for (const auto& [tenant, size] : sizes) all = {all.entries + size.entries, all.bytes + size.bytes};

    json documents = json::array();
    Table table{{"tenant", "entries", "at most", "size", "at most"}, {}, {false, true, true, true, true}};
    for (const auto& [tenant, quota] : quotas) {
        const auto found = sizes.find(tenant);
        const Size size = found == sizes.end() ? Size{} : found->second;
        documents.push_back(json_of(quota, size));
        documents.back()["tenant"] = tenant;
        table.rows.push_back(row_of(one_line(tenant), quota, size));
    }
    table.rows.push_back(row_of("(all together)", limits, all));
    context.output().document({{"quotas", documents}, {"limits", json_of(limits, all)}});
    context.output().table(table);
}

void run(Context& context, const QuotaCommand& asked) {
    if (asked.all && !asked.tenant.empty()) refuse("TENANT and --all exclude each other: give one of them");
    if (asked.changes() && !asked.all && asked.tenant.empty()) refuse("say whose limit it is: TENANT, or --all");
    if (asked.remove && !asked.quota.empty()) refuse("--remove takes all of a quota away; it goes with no other limit");
    SemanticCache cache(context.database(), nullptr);
    if (asked.all && asked.changes()) {
        cache.set_limits(asked.quota, context.deadline());
    } else if (asked.remove) {
        if (!cache.remove_quota(asked.tenant, context.deadline())) {
            context.output().note(fmt::format("{} had no quota", one_line(asked.tenant)));
            context.exit = ExitCode::negative;
        }
    } else if (asked.changes()) {
        cache.set_quota(asked.tenant, asked.quota, context.deadline());
    }
    show(context, cache, asked);
}

}  // namespace

void add_cache_quota(CLI::App& cache, Context& context) {
    CLI::App* command = cache.add_subcommand("quota", "Shows and sets how much tenants may store");
    auto quota = std::make_shared<QuotaCommand>();
    command->add_option("tenant", quota->tenant, "Whose, all its scopes together (default: of each that has one)")
        ->option_text("TENANT");
    command->add_flag("--all", quota->all, "Of all entries together, instead of a tenant's");
    const auto most = CLI::Range(std::int64_t{0}, std::numeric_limits<std::int64_t>::max());
    command->add_option("--max-entries", quota->quota.entries, "At most so many entries")
        ->option_text("N")
        ->check(most);
    command->add_option("--max-bytes", quota->quota.bytes, "At most so many bytes of questions, answers and vectors")
        ->option_text("N")
        ->check(most);
    command->add_flag("--remove", quota->remove, "Take the limits away");
    command->footer(
        R"(A limit replaces those before, so give both numbers if both shall hold. Every process that uses Stele keeps to it
from its next answer on; what is too much by now goes at once, first what has expired, then what was used longest ago.
With --remove the exit status is 1 when there was no quota.

Examples:
  stele cache quota
  stele cache quota acme --max-entries 10000 --max-bytes 50000000
  stele cache quota --all --max-entries 1000000
  stele cache quota acme --remove)");
    command->callback([&context, quota] { run(context, *quota); });
}

}  // namespace stele::cli
