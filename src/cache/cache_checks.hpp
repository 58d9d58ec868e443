// What a cache refuses before anything is asked or sent. Each throws Error.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string_view>

#include "stele/error.hpp"
#include "stele/semantic_cache.hpp"

namespace stele {

void check_threshold(const std::optional<float>& threshold);
/// Guards without a check, a min_confidence that is not a number.
void check_guards(const SemanticCacheOptions& options);
/// What is asked of lifetimes: ttl_jitter, serve_stale.
void check_lifetimes(const SemanticCacheOptions& options);
void check_graph(const GraphOptions& graph);
void check_ttl(std::string_view what, const std::optional<std::chrono::seconds>& ttl);
void check_put(std::string_view query, std::string_view response, const PutOptions& put,
               const SemanticCacheOptions& cache);
void check_compute(std::string_view query, const Computation& compute, const ComputeOptions& options,
                   const SemanticCacheOptions& cache);
/// Sorted, each once.
std::vector<std::string> checked_tags(std::vector<std::string> tags);
std::vector<Dependency> checked_dependencies(const Dependencies& dependencies);
void check_policy(std::string_view tenant, const CachePolicy& policy);
/// `what` names it in the message.
void check_quota(std::string_view what, const CacheQuota& quota);
void check_tenant_quota(std::string_view tenant, const CacheQuota& quota);

/// The store is away, as opposed to: the store says no.
bool is_outage(ErrorCode code) noexcept;

}  // namespace stele
