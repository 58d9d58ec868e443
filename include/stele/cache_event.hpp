// What happens in a semantic cache, told as it happens, and as metrics.
//
//     auto prometheus = std::make_shared<stele::PrometheusMetrics>();
//     stele::SemanticCache cache(database, embedder, {.on_event = stele::CacheMetrics(prometheus)});
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "stele/export.hpp"
#include "stele/metrics.hpp"

namespace stele {
inline namespace v0 {

struct Hit;
struct CacheStats;

/// Lives as long as the call of the hook that gets it.
struct CacheEvent {
    enum class Kind : std::uint8_t {
        hit,
        miss,      ///< exactly one of these two for each get
        eviction,  ///< entries went because there was too much
        expired,   ///< an entry was found past its lifetime, or such were removed
        put,
        removed,   ///< by remove() or clear()
        computed,  ///< a computation of get_or_compute has ended
        shared     ///< an answer that another caller computed was returned
    };
    Kind kind;
    std::string_view name_space;  ///< as stored, see Scope::stored_namespace
    std::int64_t count = 1;       ///< of entries
    const Hit* hit = nullptr;     ///< of a hit
    /// Of a miss: to_string(MissReason). A miss of a question whose own entry has expired is "expired" here, where
    /// mneme says "no_match". Of a computation: to_string(Kept), or "error" when it threw.
    std::string_view reason{};
};

/// mneme's names: "hit", "miss", "eviction", "expired"; besides "put", "removed", "computed" and "shared".
STELE_API std::string_view to_string(CacheEvent::Kind kind) noexcept;

/// Called on the thread that did it, without locks, after it was done; for what is done in a transaction, after the
/// commit. So it may call the cache. What it throws is logged as a warning, and changes nothing.
using CacheEventHook = std::function<void(const CacheEvent&)>;

struct CacheMetricsOptions {
    /// Before each name. "mneme" gives the names that its dashboards know.
    std::string prefix = "stele_cache";
    /// Tenants beyond so many are counted together, as "_other": each is a series of every metric, for ever.
    std::size_t max_tenants = 100;
};

/// A CacheEventHook that counts, as mneme's does: hits_total{layer,namespace}, misses_total{reason,namespace},
/// evictions_total{namespace}, expirations_total{namespace}, computations_total{result,namespace},
/// shared_answers_total{namespace}, and the histograms hit_similarity{namespace} and
/// hit_age_seconds{namespace}. `namespace` is the tenant, whatever the attributes of a scope. Copies count together.
/// Thread-safe.
class STELE_API CacheMetrics {
public:
    explicit CacheMetrics(std::shared_ptr<Metrics> metrics, CacheMetricsOptions options = {});

    void operator()(const CacheEvent& event) const;
    /// Sets the gauges entries{namespace} and memory_bytes{namespace}, the bytes of the stored entries. Of all tenants
    /// together: "_total".
    void update_gauges(const CacheStats& stats, std::string_view tenant = "_total") const;

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace v0
}  // namespace stele
