#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <optional>

#include "cache_command.hpp"
#include "context.hpp"
#include "duration_option.hpp"
#include "standard_input.hpp"
#include "text.hpp"
#include "watched_embedder.hpp"

namespace stele::cli {
namespace {

struct PutCommand {
    std::string query;
    std::string response;
    ScopeOptions scope;
    EmbedderOptions embedder;
    std::string ttl;
    std::string metadata = "{}";
    std::vector<std::string> tags, depends_on;
};

void run(Context& context, PutCommand& put) {
    const Scope scope = put.scope.scope();
    PutOptions options;
    if (!put.ttl.empty()) options.ttl = parse_duration("--ttl", put.ttl);
    options.metadata = Json::parse(put.metadata);
    options.tags = put.tags;
    for (const std::string& each : put.depends_on) options.depends_on.add(read_dependency(each));
    options.deadline = context.deadline();
    if (put.response == "-") {
        put.response = read_standard_input("the response", SemanticCacheOptions().max_response_bytes);
    }
    const ChosenEmbedder chosen = make_cache_embedder(context, put.embedder);
    const auto watched = chosen.embedder ? std::make_shared<WatchedEmbedder>(chosen.embedder) : nullptr;
    SemanticCache cache = open_cache(context, watched);
    cache.put(put.query, put.response, scope, options);
    const std::string wording = why_wording_only(watched.get());

    const Output& output = context.output();
    output.document({{"stored", true},
                     {"namespace", scope.tenant()},
                     {"layers", wording.empty() ? nlohmann::json{"exact", "semantic"} : nlohmann::json{"exact"}},
                     {"ttl_seconds", options.ttl ? nlohmann::json(options.ttl->count()) : nlohmann::json()}});
    output.line(fmt::format("stored in {}{}", context.database().describe(),
                            options.ttl ? ", for " + duration_text(options.ttl->count()) : std::string()));
    if (!wording.empty()) output.note(fmt::format("only the same question will find it, since {}", wording));
}

}  // namespace

void add_cache_put(CLI::App& cache, Context& context) {
    CLI::App* command = cache.add_subcommand("put", "Stores the answer to a question, replacing an older one");
    auto put = std::make_shared<PutCommand>();
    command->add_option("query", put->query, "The question")->option_text("QUERY")->required();
    command->add_option("response", put->response, "The answer; - reads it from standard input")
        ->option_text("RESPONSE")
        ->required();
    add_scope_options(*command, put->scope);
    command->add_option("--ttl", put->ttl, "Forget it after this time: 90s, 15m, 12h, 7d (default: never)")
        ->option_text("TIME");
    command->add_option("-m,--metadata", put->metadata, "Kept beside the answer: a JSON object")->option_text("JSON");
    command->add_option("--tag", put->tags, "For `stele cache remove --tag`; may be given several times")
        ->option_text("TAG")
        ->take_all()
        ->allow_extra_args(false);
    command
        ->add_option("--depends-on", put->depends_on,
                     "What the answer was made from, such as template=greeting (in its current version) or "
                     "document=terms@7; may be given several times")
        ->option_text("KIND=NAME[@VERSION]")
        ->take_all()
        ->allow_extra_args(false);
    add_cache_embedder_options(*command, put->embedder);
    command->footer(
        R"(Durable when the command returns. In the embedded cluster a local model embeds the question (stele model install
minilm), so that similar ones find the answer; on a server that is named only the same question does, unless an
embedder is named too: one and the same for all that is put there. An answer is not served any more once something
that it depends on is another version: what `stele cache publish` says, and of a template, a configuration, or a label
of one (template:production) what is newest, or labelled.

Examples:
  stele cache put "Where is my order?" "In your account, under Orders."
  stele cache put "Terms?" - --ttl 7d --metadata '{"source":"terms.md"}' < terms.md
  stele cache put "Returns?" "14 days" --tag returns --depends-on document=terms@7 --depends-on template=answer
  stele cache put "Opening hours?" "9 bis 17 Uhr" --namespace acme --attribute lang=de)");
    command->callback([&context, put] { run(context, *put); });
}

}  // namespace stele::cli
