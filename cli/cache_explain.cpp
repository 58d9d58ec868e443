#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cache_lookup.hpp"
#include "context.hpp"
#include "text.hpp"
#include "watched_embedder.hpp"

namespace stele::cli {
namespace {

using nlohmann::json;

struct ExplainCommand {
    CacheLookup lookup;
    std::size_t limit = 8;
};

json document_of(const ExplainedCandidate& candidate) {
    return {{"id", candidate.entry.id},
            {"query", candidate.entry.query},
            {"response", candidate.entry.response},
            {"similarity", candidate.entry.similarity},
            {"confidence", candidate.entry.confidence},
            {"age_seconds", candidate.entry.age.count()},
            {"fate", to_string(candidate.fate)},
            {"refused_by", candidate.refusal ? json(candidate.refused_by) : json()},
            {"refusal", candidate.refusal ? json(to_string(candidate.refusal->kind)) : json()},
            {"why", candidate.refusal ? json(candidate.refusal->text) : json()}};
}

json document_of(const Explanation& why) {
    json candidates = json::array();
    for (const ExplainedCandidate& candidate : why.candidates) candidates.push_back(document_of(candidate));
    return {{"hit", why.result.hit ? hit_json(*why.result.hit) : json()},
            {"reason", why.result.miss ? json(to_string(*why.result.miss)) : json()},
            {"threshold", why.threshold ? json(*why.threshold) : json()},
            {"candidates", candidates}};
}

std::string fate_text(const ExplainedCandidate& candidate) {
    switch (candidate.fate) {
        case CandidateFate::served: return "served";
        case CandidateFate::outranked: return "would do, too";
        case CandidateFate::expired: return "expired";
        case CandidateFate::below_threshold: return "not alike enough";
        case CandidateFate::outdated: return "made from what is not current any more";
        case CandidateFate::refused: break;
    }
    return fmt::format("refused by {}: {}", candidate.refused_by, candidate.refusal ? candidate.refusal->text : "");
}

std::string miss_text(MissReason reason) {
    switch (reason) {
        case MissReason::below_threshold: return "no stored question is alike enough";
        case MissReason::no_match: return "there is nothing to compare it with";
        case MissReason::truncated: return "it is longer than the model reads, and this very question is not stored";
        case MissReason::refused_by_guard: return "what is alike enough was refused";
        case MissReason::expired: return "what would have answered it has expired";
        case MissReason::outdated:
            return "what would have answered it was made from something that is not current any more";
        case MissReason::skipped: return "questions like this are not cached";
        case MissReason::embedder_failure: return "the embedder failed";
        case MissReason::dim_mismatch: return "its vector is of another length than those stored";
        case MissReason::index_full:
            return "the vectors of its namespace do not fit into the memory that they may have";
        case MissReason::bypass:
        case MissReason::unavailable: break;
    }
    return "it was not looked for";
}

void show(const Output& output, const Explanation& why) {
    output.document(document_of(why));
    const std::optional<Hit>& hit = why.result.hit;
    output.line(
        output.paint(hit ? fmt::format("Answered by the {} layer, entry {}: {}", to_string(hit->layer), hit->id,
                                       one_line(hit->response))
                         : fmt::format("No answer ({}): {}", to_string(*why.result.miss), miss_text(*why.result.miss)),
                     hit ? Tone::good : Tone::warning));
    if (why.threshold) output.line(fmt::format("threshold {:.3f}", *why.threshold));
    if (why.candidates.empty()) return;
    Table table{{"similarity", "confidence", "id", "age", "question", ""}, {}, {true, true, true}};
    for (const ExplainedCandidate& candidate : why.candidates) {
        const Hit& entry = candidate.entry;
        table.rows.push_back(
            {fmt::format("{:.3f}", entry.similarity),
             // it was not asked for where nothing was judged
             candidate.fate == CandidateFate::below_threshold || candidate.fate == CandidateFate::expired
                 ? "-"
                 : fmt::format("{:.3f}", entry.confidence),
             fmt::format("{}", entry.id), duration_text(entry.age.count()), one_line(entry.query),
             fate_text(candidate)});
    }
    output.table(table);
}

void run(Context& context, const ExplainCommand& explain) {
    const Scope scope = explain.lookup.scope.scope();
    OpenLookup open = open_lookup(context, explain.lookup);
    const Explanation why = open.cache.explain(explain.lookup.query, scope, open.options, explain.limit);
    if (open.embedder) open.embedder->rethrow_failure();
    show(context.output(), why);
    if (!open.embedder && !why.result.hit) {
        context.output().note(
            "similar questions were not looked for: no embedder is used here (--embedder local, or "
            "--embedder-url)");
    }
    if (!why.result.hit) context.exit = ExitCode::negative;
}

}  // namespace

void add_cache_explain(CLI::App& cache, Context& context) {
    CLI::App* command = cache.add_subcommand("explain", "Shows why a question is answered, or not");
    auto explain = std::make_shared<ExplainCommand>();
    add_lookup_options(*command, explain->lookup);
    command->add_option("-l,--limit", explain->limit, "Show so many stored questions (default: 8)")
        ->option_text("N")
        ->check(CLI::Range(1, 1'000));
    command->footer(
        R"(Does what `stele cache get` does, and shows the most similar stored questions, those below the threshold too: how
alike they are, and what became of them. Nothing is counted or changed. The exit status is 1 when there is no answer.

Examples:
  stele cache explain "where can I find my order"
  stele cache explain "Can I pay in 12 instalments?" --guards --limit 3
  stele cache explain "Opening hours?" --namespace acme --json | jq '.candidates[] | {query, fate, why}')");
    command->callback([&context, explain] { run(context, *explain); });
}

}  // namespace stele::cli
