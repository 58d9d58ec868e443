#include "cache_lookup.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "context.hpp"
#include "exit_code.hpp"
#include "watched_embedder.hpp"

namespace stele::cli {

void add_lookup_options(CLI::App& command, CacheLookup& lookup) {
    command.add_option("query", lookup.query, "The question")->option_text("QUERY")->required();
    add_scope_options(command, lookup.scope);
    command
        .add_option("-t,--threshold", lookup.threshold,
                    "Cosine similarity from which a question counts as the same, -1 to 1 (default: the embedder's own; "
                    "needed where none was measured)")
        ->option_text("X");
    command.add_flag("-g,--guards", lookup.guards,
                     "Refuse similar questions with other numbers or names, and opposite ones");
    add_cache_embedder_options(command, lookup.embedder);
}

OpenLookup open_lookup(Context& context, const CacheLookup& lookup) {
    const ChosenEmbedder chosen = make_cache_embedder(context, lookup.embedder);
    if (chosen.embedder && !chosen.embedder->threshold() && !lookup.threshold) {
        refuse(
            "nobody has measured from which similarity on two questions are the same to this embedder: give "
            "--threshold (`stele demo` with the same embedder shows what each threshold does, `stele cache calibrate` "
            "finds "
            "one)");
    }
    const auto watched = chosen.embedder ? std::make_shared<WatchedEmbedder>(chosen.embedder) : nullptr;
    SemanticCacheOptions options;
    options.miss_when_unavailable = false;
    if (lookup.guards) options.guards = text_guards();
    GetOptions how;
    how.similarity_threshold = lookup.threshold;
    how.deadline = context.deadline();
    return {watched, open_cache(context, watched, options), std::move(how)};
}

nlohmann::json hit_json(const Hit& hit) {
    return {{"hit", true},
            {"layer", std::string(to_string(hit.layer))},
            {"similarity", hit.similarity},
            {"confidence", hit.confidence},
            {"id", hit.id},
            {"age_seconds", hit.age.count()},
            {"query", hit.query},
            {"response", hit.response},
            {"metadata", nlohmann::json::parse(hit.metadata.text())}};
}

}  // namespace stele::cli
