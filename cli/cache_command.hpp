// The parts of `stele cache`.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "embedder_options.hpp"
#include "stele/scope.hpp"
#include "stele/semantic_cache.hpp"

namespace CLI {
class App;
}

namespace stele::cli {

class Context;
class WatchedEmbedder;

/// Which scope a command is about: --namespace and --attribute.
struct ScopeOptions {
    std::string name_space;
    std::vector<std::string> attributes;  ///< "name=value"

    bool given() const { return !name_space.empty() || !attributes.empty(); }
    /// Throws Error(invalid_argument).
    Scope scope() const;
};

void add_scope_options(CLI::App& command, ScopeOptions& options);

/// "KIND=NAME@VERSION", or "KIND=NAME" for the version that is current. Throws Error(invalid_argument).
Dependency read_dependency(const std::string& text);

/// Options of `get`, `explain` and `put`.
void add_cache_embedder_options(CLI::App& command, EmbedderOptions& options);
/// Unless the options name one: a local model in the embedded cluster. On a server that somebody named the vectors may
/// be another embedder's, so there is none.
ChosenEmbedder make_cache_embedder(Context& context, const EmbedderOptions& options);
/// A refusal of the embedder says by which options to go on.
SemanticCache open_cache(Context& context, std::shared_ptr<Embedder> embedder,
                         const SemanticCacheOptions& options = {});
/// Of a question that the cache was given: why it has to do with the same question only. Empty: it has not.
std::string why_wording_only(const WatchedEmbedder* embedder);

void add_cache_get(CLI::App& cache, Context& context);
void add_cache_compute(CLI::App& cache, Context& context);
void add_cache_explain(CLI::App& cache, Context& context);
void add_cache_policy(CLI::App& cache, Context& context);
void add_cache_publish(CLI::App& cache, Context& context);
void add_cache_put(CLI::App& cache, Context& context);
void add_cache_remove(CLI::App& cache, Context& context);
void add_cache_stats(CLI::App& cache, Context& context);
void add_cache_list(CLI::App& cache, Context& context);
void add_cache_namespaces(CLI::App& cache, Context& context);
void add_cache_quota(CLI::App& cache, Context& context);
void add_cache_vacuum(CLI::App& cache, Context& context);
void add_cache_calibrate(CLI::App& cache, Context& context);
void add_cache_reembed(CLI::App& cache, Context& context);
void add_cache_export(CLI::App& cache, Context& context);
void add_cache_import(CLI::App& cache, Context& context);

}  // namespace stele::cli
