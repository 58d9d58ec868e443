// The steps of one get.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cache/cache_sql.hpp"
#include "cache/vector_space.hpp"
#include "postgres/operation.hpp"
#include "stele/semantic_cache.hpp"

namespace stele {

/// What a get is about. Kept alive by the caller until the operation is over.
struct GetRequest {
    std::string name_space;
    std::string query;  // normalised
    std::string hash;
    std::optional<std::vector<float>> unit;  // the caller's vector
    bool by_meaning = true;                  // false: exact lookup only
};

/// How the vectors in memory are reached; may throw Error.
struct Neighbours {
    std::function<float()> threshold;  // from which similarity on
    std::function<void(std::int64_t version)> observe;
    std::function<std::vector<Candidate>(std::span<const float> unit, std::size_t k, float min_score)> search;
    std::function<void(std::int64_t id)> forget;
    std::function<void()> distrust;  // an id belongs to another question than the one whose vector was searched
    std::function<std::vector<float>(std::vector<float>)> check;  // a vector made usable, or Error
};

struct GetOutcome {
    enum class Miss : unsigned char { none, not_found, embedder_failed, truncated };
    std::optional<Hit> hit;
    Miss miss = Miss::none;
    bool expired = false;  // an exact match was found but is past its lifetime
};

/// The reason that a hook is told, in mneme's words where it has one.
std::string_view to_string(GetOutcome::Miss miss) noexcept;

/// Exact lookup; then, unless it hit, embedding, search in memory and a fetch of the candidates, best first. A failed
/// database step throws Error.
Operation<GetOutcome> get_operation(const CacheSql& sql, const GetRequest& request, const Neighbours& neighbours);

}  // namespace stele
