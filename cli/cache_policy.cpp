#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <optional>

#include "cache_command.hpp"
#include "context.hpp"
#include "duration_option.hpp"
#include "exit_code.hpp"
#include "text.hpp"

namespace stele::cli {
namespace {

using nlohmann::json;

struct PolicyCommand {
    std::string tenant, ttl;
    CachePolicy policy;
    bool remove = false;
};

template <class T>
json json_of(const std::optional<T>& value) {
    return value ? json(*value) : json();
}

std::string text_of(const std::optional<float>& value) {
    return value ? fmt::format("{:.3f}", *value) : "-";
}

void show(Context& context, SemanticCache& cache, const std::string& tenant) {
    json documents = json::array();
    Table table{{"tenant", "threshold", "lifetime", "confidence"}, {}, {false, true, true, true}};
    for (const auto& [name, policy] : cache.policies(context.deadline())) {
        if (!tenant.empty() && tenant != name) continue;
        std::optional<std::int64_t> ttl;
        if (policy.default_ttl) ttl = policy.default_ttl->count();
        documents.push_back({{"tenant", name},
                             {"similarity_threshold", json_of(policy.similarity_threshold)},
                             {"default_ttl_seconds", json_of(ttl)},
                             {"min_confidence", json_of(policy.min_confidence)}});
        table.rows.push_back({one_line(name), text_of(policy.similarity_threshold), ttl ? duration_text(*ttl) : "-",
                              text_of(policy.min_confidence)});
    }
    context.output().document({{"policies", documents}});
    if (table.rows.empty()) {
        context.output().note(tenant.empty() ? "no tenant has a policy"
                                             : fmt::format("{} has no policy", one_line(tenant)));
        return;
    }
    context.output().table(table);
}

void run(Context& context, PolicyCommand& asked) {
    if (!asked.ttl.empty()) asked.policy.default_ttl = parse_duration("--ttl", asked.ttl);
    const bool sets = !asked.policy.empty();
    if ((sets || asked.remove) && asked.tenant.empty()) refuse("say whose policy it is: TENANT");
    if (sets && asked.remove) refuse("--remove takes all of a policy away; it goes with no other option");
    SemanticCache cache(context.database(), nullptr);
    if (sets) {
        cache.set_policy(asked.tenant, asked.policy, context.deadline());
    } else if (asked.remove && !cache.remove_policy(asked.tenant, context.deadline())) {
        context.exit = ExitCode::negative;
    }
    show(context, cache, asked.tenant);
}

}  // namespace

void add_cache_policy(CLI::App& cache, Context& context) {
    CLI::App* command = cache.add_subcommand("policy", "Shows and sets thresholds and lifetimes of tenants");
    auto policy = std::make_shared<PolicyCommand>();
    command->add_option("tenant", policy->tenant, "Whose, all its scopes together (default: of each that has one)")
        ->option_text("TENANT");
    command
        ->add_option("-t,--threshold", policy->policy.similarity_threshold,
                     "Cosine similarity from which a question counts as the same, -1 to 1")
        ->option_text("X");
    command->add_option("--ttl", policy->ttl, "Lifetime of what is put without one: 90s, 15m, 12h, 7d")
        ->option_text("TIME");
    command
        ->add_option("--min-confidence", policy->policy.min_confidence,
                     "Serve no similar question's answer with a lower confidence")
        ->option_text("X");
    command->add_flag("--remove", policy->remove, "Take the policy away");
    command->footer(
        R"(Every process follows a change within a fraction of a second. What a call says itself counts more, what a program
was started with counts less. A policy is set as a whole: what is not named is not settled any more. The exit status
is 1 when --remove finds none.

Examples:
  stele cache policy
  stele cache policy acme --threshold 0.9 --ttl 7d
  stele cache policy acme --remove)");
    command->callback([&context, policy] { run(context, *policy); });
}

}  // namespace stele::cli
