#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "answer_program.hpp"
#include "cache_lookup.hpp"
#include "context.hpp"
#include "duration_option.hpp"
#include "text.hpp"
#include "watched_embedder.hpp"

namespace stele::cli {
namespace {

using nlohmann::json;

struct ComputeCommand {
    CacheLookup lookup;
    std::vector<std::string> words;
    std::string ttl;
    std::string metadata = "{}";
    std::string lease;
};

/// Thrown out of the computation.
struct ProgramFailed {
    int status;
};

ComputeOptions options_of(Context& context, const ComputeCommand& compute) {
    ComputeOptions options;
    options.similarity_threshold = compute.lookup.threshold;
    if (!compute.ttl.empty()) options.ttl = parse_duration("--ttl", compute.ttl);
    if (!compute.lease.empty()) options.lease = parse_duration("--lease", compute.lease);
    options.metadata = Json::parse(compute.metadata);
    options.deadline = context.deadline().value_or(Deadline::never());
    if (context.output().json()) return options;
    options.reader = [&output = context.output()](std::string_view piece) {
        output.raw(output.terminal() ? printable(piece) : std::string(piece));
        output.flush();
    };
    return options;
}

std::string how(const ComputedAnswer& answer) {
    if (answer.source == AnswerSource::stored) {
        return fmt::format("{} hit, stored {} (entry {})", to_string(answer.hit->layer),
                           age_text(answer.hit->age.count()), answer.hit->id);
    }
    if (answer.source == AnswerSource::shared) return "computed by another process, for which this one has waited";
    switch (answer.kept) {
        case Kept::stored: return "computed and stored";
        case Kept::refused: return "computed, and not stored: it is blank, or says that it is an error";
        case Kept::replaced:
            return "computed, and not stored: another process took this one for dead, and its answer counts";
        case Kept::unwanted:
        case Kept::failed: break;
    }
    return "computed, and not stored: the store did not take it";
}

void show(const Output& output, const ComputedAnswer& answer) {
    output.document({{"response", answer.response},
                     {"metadata", json::parse(answer.metadata.text())},
                     {"source", to_string(answer.source)},
                     {"kept", to_string(answer.kept)},
                     {"hit", answer.hit ? hit_json(*answer.hit) : json()}});
    output.line();
    output.note(how(answer));
}

void run(Context& context, const ComputeCommand& compute) {
    const Scope scope = compute.lookup.scope.scope();
    const ComputeOptions options = options_of(context, compute);
    OpenLookup open = open_lookup(context, compute.lookup);
    bool begun = false;
    const auto answers = [&](AnswerSink& sink) {
        const int status = run_for_answer(compute.words, [&](std::string_view piece) {
            begun = true;
            sink.write(piece);
        });
        if (status != 0) throw ProgramFailed{status};
    };
    try {
        const ComputedAnswer answer = open.cache.get_or_compute(compute.lookup.query, scope, answers, options);
        open.cache.close(context.deadline());
        show(context.output(), answer);
    } catch (const ProgramFailed& failure) {
        context.exit = ExitCode{failure.status};
        if (begun) context.output().line();
        context.output().error("failed", fmt::format("{} ended with exit status {}, so nothing is stored",
                                                     compute.words.front(), failure.status));
    }
}

}  // namespace

void add_cache_compute(CLI::App& cache, Context& context) {
    CLI::App* command =
        cache.add_subcommand("get-or-compute", "Prints the answer to a question, or runs a program for it, once");
    auto compute = std::make_shared<ComputeCommand>();
    add_lookup_options(*command, compute->lookup);
    command->add_option("command", compute->words, "The program that answers, and its arguments, after --")
        ->option_text("COMMAND...")
        ->required();
    command
        ->add_option("--ttl", compute->ttl, "Forget a new answer after this time: 90s, 15m, 12h, 7d (default: never)")
        ->option_text("TIME");
    command->add_option("-m,--metadata", compute->metadata, "Kept beside a new answer: a JSON object")
        ->option_text("JSON");
    command
        ->add_option("--lease", compute->lease,
                     "A process that died while its program ran is replaced after this time (default: 10s)")
        ->option_text("TIME");
    command->footer(
        R"(What the program writes to standard output is printed as it comes, and stored if it ends with 0. Several commands
that ask the same question at once, on any host, run it once: the others wait for its answer. If it fails, nothing is
stored, the exit status is the program's, and another that waits runs its own.

Examples:
  stele cache get-or-compute "Where is my order?" -- llm -m m-7b "Where is my order?"
  stele cache get-or-compute "Opening hours?" --namespace acme --ttl 12h -- ./answer.sh acme)");
    command->callback([&context, compute] { run(context, *compute); });
}

}  // namespace stele::cli
