// What a tenant, or a program, has settled about its answers.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string_view>

#include "stele/export.hpp"
#include "stele/scope.hpp"

namespace stele {
inline namespace v0 {

/// Settings of a tenant, all its scopes together, stored and followed by every process (SemanticCache::set_policy).
/// What a call says itself comes first, then this, then what the cache was made with.
struct CachePolicy {
    std::optional<float> similarity_threshold{};        ///< -1 to 1
    std::optional<std::chrono::seconds> default_ttl{};  ///< of what is put without a lifetime, 1 s to 100 years
    std::optional<float> min_confidence{};              ///< as SemanticCacheOptions::min_confidence

    bool empty() const noexcept { return !similarity_threshold && !default_ttl && !min_confidence; }
    friend bool operator==(const CachePolicy&, const CachePolicy&) = default;
};

/// Which questions are neither looked up nor stored: those of long conversations for example, which nobody asks again
/// in the same words, and which look alike to an embedder. One that holds is enough.
struct SkipRule {
    std::optional<std::size_t> max_turns{};  ///< more than so many: see GetOptions::turns
    std::optional<std::size_t> max_bytes{};  ///< of the question as it is asked
    /// True: skip it. Must be thread-safe; what it throws reaches the caller.
    std::function<bool(std::string_view query, const Scope& scope)> when{};
};

}  // namespace v0
}  // namespace stele
