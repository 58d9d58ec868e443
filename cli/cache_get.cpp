#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <optional>

#include "cache_lookup.hpp"
#include "context.hpp"
#include "text.hpp"
#include "watched_embedder.hpp"

namespace stele::cli {
namespace {

using nlohmann::json;

void show_hit(const Output& output, const Hit& hit) {
    output.document(hit_json(hit));
    // a program gets the answer as it is stored, a terminal nothing that it would obey
    output.raw(output.terminal() ? printable(hit.response) : hit.response);
    output.line();
    std::string how =
        fmt::format("{} hit, stored {} (entry {})", to_string(hit.layer), age_text(hit.age.count()), hit.id);
    if (hit.layer == HitLayer::semantic) {
        how = fmt::format("semantic hit, similarity {:.3f}, stored {} (entry {}) for: {}", hit.similarity,
                          age_text(hit.age.count()), hit.id, one_line(hit.query));
    }
    output.note(how);
}

void run(Context& context, const CacheLookup& get) {
    const Scope scope = get.scope.scope();
    OpenLookup open = open_lookup(context, get);
    const Lookup lookup = open.cache.look_up(get.query, scope, open.options);
    const std::optional<Hit>& hit = lookup.hit;
    if (!hit && open.embedder) open.embedder->rethrow_failure();
    open.cache.close(context.deadline());

    const Output& output = context.output();
    if (hit) {
        show_hit(output, *hit);
        return;
    }
    context.exit = ExitCode::negative;
    json searched = {"exact"};
    const std::string wording = why_wording_only(open.embedder.get());
    if (wording.empty()) searched.push_back("semantic");
    output.document({{"hit", false}, {"searched", searched}, {"reason", to_string(*lookup.miss)}});
    if (lookup.miss == MissReason::refused_by_guard) {
        output.note("no answer: what is similar enough was refused (`stele cache explain` shows why)");
        return;
    }
    if (lookup.miss == MissReason::outdated) {
        output.note("no answer: what is stored was made from something that is not current any more");
        return;
    }
    output.note(
        wording.empty()
            ? "no answer: neither this question nor one similar enough is stored"
            : fmt::format("no answer: this very question is not stored (similar ones were not looked for, since "
                          "{})",
                          wording));
}

}  // namespace

void add_cache_get(CLI::App& cache, Context& context) {
    CLI::App* command = cache.add_subcommand("get", "Prints the answer to a question, if one is stored");
    auto get = std::make_shared<CacheLookup>();
    add_lookup_options(*command, *get);
    command->footer(
        R"(Finds the same question (blanks and case do not matter), else the most similar one. In the embedded cluster a
local model tells what is similar (stele model install minilm); on a server that is named only the same question
is found, unless an embedder is named too: that by which the answers there were put. The answer goes to standard
output, how it was found to standard error. The exit status is 1 when there is none.

Examples:
  stele cache get "Where is my order?"
  stele cache get "where can I find my order"
  stele --dsn postgres://app@db.example/app cache get "where can I find my order" --model minilm
  stele cache get "where can I find my order" --embedder-url http://127.0.0.1:8080/v1 --model m-7b
  stele cache get "Opening hours?" --namespace acme --attribute lang=de --json)");
    command->callback([&context, get] { run(context, *get); });
}

}  // namespace stele::cli
