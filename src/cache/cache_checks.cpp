#include "cache/cache_checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "base/result.hpp"
#include "base/text.hpp"

namespace stele {
namespace {

void check_limit(std::string_view what, std::size_t bytes, std::size_t limit) {
    if (bytes > limit) {
        raise(ErrorCode::limit_exceeded,
              fmt::format("the {} has {} bytes; this cache takes at most {} (max_{}_bytes)", what, bytes, limit, what));
    }
}

/// Text that is a part of a key.
void check_name(std::string_view what, std::string_view text, std::size_t least, std::size_t most) {
    check_text(what, text);
    if (text.size() < least || text.size() > most) {
        raise(ErrorCode::invalid_argument,
              fmt::format("{} has {} bytes; it must have {} to {}", what, text.size(), least, most));
    }
}

template <class Named>
std::vector<Named> each_once(std::vector<Named> all, std::string_view what) {
    constexpr std::size_t kMost = 100;
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    if (all.size() > kMost) {
        raise(ErrorCode::limit_exceeded, fmt::format("an answer has at most {} {}, not {}", kMost, what, all.size()));
    }
    return all;
}

constexpr std::size_t kLongestName = 1024;

}  // namespace

void check_threshold(const std::optional<float>& threshold) {
    if (threshold && !(*threshold >= -1.0f && *threshold <= 1.0f)) {
        raise(ErrorCode::invalid_argument,
              fmt::format("the similarity threshold {} is not within -1 and 1", *threshold));
    }
}

void check_guards(const SemanticCacheOptions& options) {
    for (const Guard& guard : options.guards) {
        if (!guard.check) {
            raise(ErrorCode::invalid_argument,
                  fmt::format("the guard '{}' has no check: set Guard::check", guard.name));
        }
    }
    if (options.min_confidence && !std::isfinite(*options.min_confidence)) {
        raise(ErrorCode::invalid_argument, fmt::format("min_confidence is {}, not a number", *options.min_confidence));
    }
}

void check_ttl(std::string_view what, const std::optional<std::chrono::seconds>& ttl) {
    constexpr std::chrono::seconds kLongest = std::chrono::hours(24) * 36'525;
    if (ttl && (ttl->count() < 1 || *ttl > kLongest)) {
        raise(
            ErrorCode::invalid_argument,
            fmt::format("the {} is {} s; it must be between 1 s and 100 years ({} s; for longer, let it never expire)",
                        what, ttl->count(), kLongest.count()));
    }
}

void check_put(std::string_view query, std::string_view response, const PutOptions& put,
               const SemanticCacheOptions& cache) {
    check_limit("query", query.size(), cache.max_query_bytes);
    check_limit("response", response.size(), cache.max_response_bytes);
    check_limit("metadata", put.metadata.text().size(), cache.max_metadata_bytes);
    check_text("the response", response);
    if (!put.metadata.is_object()) raise(ErrorCode::invalid_argument, "the metadata is not a JSON object");
    check_ttl("ttl", put.ttl);
}

void check_lifetimes(const SemanticCacheOptions& options) {
    check_ttl("default ttl", options.default_ttl);
    if (!(options.ttl_jitter >= 0.0f && options.ttl_jitter <= 0.9f)) {
        raise(ErrorCode::invalid_argument,
              fmt::format("ttl_jitter is {}; it is a share of the lifetime, 0 to 0.9", options.ttl_jitter));
    }
    if (options.serve_stale != std::chrono::seconds(0)) check_ttl("time in serve_stale", options.serve_stale);
}

void check_graph(const GraphOptions& graph) {
    const auto check = [](const char* what, std::size_t given, std::size_t least, std::size_t most) {
        if (given >= least && given <= most) return;
        raise(ErrorCode::invalid_argument,
              fmt::format("graph.{} is {}; it must be between {} and {}", what, given, least, most));
    };
    constexpr std::size_t kMostLinks = 128, kBroadest = 10'000;
    check("links", graph.links, 2, kMostLinks);
    check("build_breadth", graph.build_breadth, graph.links, kBroadest);
    check("search_breadth", graph.search_breadth, 1, kBroadest);
}

void check_compute(std::string_view query, const Computation& compute, const ComputeOptions& options,
                   const SemanticCacheOptions& cache) {
    using namespace std::chrono_literals;
    if (!compute) raise(ErrorCode::invalid_argument, "there is no computation to run");
    PutOptions put;
    put.ttl = options.ttl;
    put.metadata = options.metadata;
    static_cast<void>(checked_tags(options.tags));
    static_cast<void>(checked_dependencies(options.depends_on));
    check_put(query, {}, put, cache);
    if (options.lease < 100ms || options.lease > 1h) {
        raise(ErrorCode::invalid_argument,
              fmt::format("the lease is {} ms; it must be between 100 ms and an hour", options.lease.count()));
    }
    if (options.store_patience < 1ms) {
        raise(ErrorCode::invalid_argument,
              fmt::format("store_patience is {} ms; it must be 1 ms or more", options.store_patience.count()));
    }
    const auto serve_stale = options.serve_stale.value_or(0s);
    if (serve_stale != 0s) check_ttl("time in serve_stale", serve_stale);
    if (options.stale_if_error != 0s) check_ttl("time in stale_if_error", options.stale_if_error);
}

std::vector<std::string> checked_tags(std::vector<std::string> tags) {
    for (const std::string& tag : tags) check_name("the tag", tag, 1, kLongestName);
    return each_once(std::move(tags), "tags");
}

std::vector<Dependency> checked_dependencies(const Dependencies& dependencies) {
    constexpr std::size_t kLongestKind = 100;
    for (const Dependency& each : dependencies.all()) {
        check_name("the kind of a dependency", each.kind, 1, kLongestKind);
        check_name("the name of a dependency", each.name, 1, kLongestName);
        check_name("the version of a dependency", each.version, 0, kLongestName);
    }
    return each_once(dependencies.all(), "dependencies");
}

void check_policy(std::string_view tenant, const CachePolicy& policy) {
    static_cast<void>(Scope(tenant));
    check_threshold(policy.similarity_threshold);
    check_ttl("default ttl", policy.default_ttl);
    if (policy.min_confidence && !std::isfinite(*policy.min_confidence)) {
        raise(ErrorCode::invalid_argument, fmt::format("min_confidence is {}, not a number", *policy.min_confidence));
    }
    if (policy.empty()) {
        raise(ErrorCode::invalid_argument,
              fmt::format("the policy of '{}' settles nothing; remove_policy takes one away", tenant));
    }
}

void check_quota(std::string_view what, const CacheQuota& quota) {
    constexpr auto kMost = static_cast<std::size_t>(std::numeric_limits<std::int64_t>::max());
    if (quota.entries.value_or(0) > kMost || quota.bytes.value_or(0) > kMost) {
        raise(ErrorCode::invalid_argument,
              fmt::format("{} is more than {}; leave it out where there is no limit", what, kMost));
    }
}

void check_tenant_quota(std::string_view tenant, const CacheQuota& quota) {
    static_cast<void>(Scope(tenant));
    check_quota("the quota", quota);
    if (quota.empty()) {
        raise(ErrorCode::invalid_argument,
              fmt::format("the quota of '{}' limits neither entries nor bytes; remove_quota takes one away", tenant));
    }
}

bool is_outage(ErrorCode code) noexcept {
    return code == ErrorCode::unavailable || code == ErrorCode::pool_exhausted ||
           code == ErrorCode::deadline_exceeded || code == ErrorCode::resources || code == ErrorCode::cluster;
}

}  // namespace stele
