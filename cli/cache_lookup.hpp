// What `stele cache get` and `stele cache explain` have in common.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "cache_command.hpp"

namespace stele::cli {

struct CacheLookup {
    std::string query;
    ScopeOptions scope;
    EmbedderOptions embedder;
    std::optional<float> threshold;
    bool guards = false;
};

void add_lookup_options(CLI::App& command, CacheLookup& lookup);

/// A cache to ask, and its embedder, if any.
struct OpenLookup {
    std::shared_ptr<WatchedEmbedder> embedder;
    SemanticCache cache;
    GetOptions options;
};
OpenLookup open_lookup(Context& context, const CacheLookup& lookup);

nlohmann::json hit_json(const Hit& hit);

}  // namespace stele::cli
