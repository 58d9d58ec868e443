// The cache's events as metrics, under mneme's names.
#include <array>
#include <map>
#include <set>

#include "base/mutex.hpp"
#include "base/result.hpp"
#include "stele/cache_event.hpp"
#include "stele/semantic_cache.hpp"

namespace stele {
inline namespace v0 {
namespace {

// mneme's
constexpr std::array kSimilarities{0.5, 0.7, 0.85, 0.9, 0.95, 0.99, 1.0};
constexpr std::array kAges{60.0, 600.0, 3600.0, 86400.0, 604800.0};

// Metrics may refer to a name as long as the program runs.
std::string_view kept_for_ever(std::string text) {
    static Mutex mutex;
    static std::set<std::string>* const names = new std::set<std::string>();
    MutexLock lock(mutex);
    return *names->insert(std::move(text)).first;
}

}  // namespace

struct CacheMetrics::Impl {
    Impl(std::shared_ptr<Metrics> given, const CacheMetricsOptions& options)
        : metrics(std::move(given)),
          max_tenants(options.max_tenants),
          hits{named(options, "hits_total"), "Answers that were found.", {"layer", "namespace"}},
          misses{named(options, "misses_total"), "Questions without an answer.", {"reason", "namespace"}},
          evictions{named(options, "evictions_total"), "Entries that went because there was too much.", {"namespace"}},
          expirations{
              named(options, "expirations_total"), "Entries that went at the end of their lifetime.", {"namespace"}},
          computations{named(options, "computations_total"),
                       "Computations of answers that ended, by what became of the answer.",
                       {"result", "namespace"}},
          shared_answers{
              named(options, "shared_answers_total"), "Answers that another caller computed.", {"namespace"}},
          similarity{named(options, "hit_similarity"),
                     "How like the question the stored one was.",
                     {"namespace"},
                     kSimilarities},
          age{named(options, "hit_age_seconds"), "How old the answers were.", {"namespace"}, kAges},
          entries{named(options, "entries"), "Entries that are stored.", {"namespace"}},
          memory_bytes{named(options, "memory_bytes"), "Bytes of the stored entries.", {"namespace"}} {}

    static std::string_view named(const CacheMetricsOptions& options, std::string_view name) {
        return kept_for_ever(options.prefix + "_" + std::string(name));
    }

    /// The label of a tenant: what is before the digest of attributes.
    std::string label(std::string_view name_space) STELE_EXCLUDES(mutex) {
        std::string tenant(name_space.substr(0, name_space.find('\x1f')));
        MutexLock lock(mutex);
        if (tenants.contains(tenant)) return tenant;
        if (tenants.size() >= max_tenants) return "_other";
        tenants.insert(tenant);
        return tenant;
    }

    const std::shared_ptr<Metrics> metrics;
    const std::size_t max_tenants;
    const CounterInfo hits, misses, evictions, expirations, computations, shared_answers;
    const HistogramInfo similarity, age;
    const GaugeInfo entries, memory_bytes;
    Mutex mutex;
    std::set<std::string> tenants STELE_GUARDED_BY(mutex);
};

CacheMetrics::CacheMetrics(std::shared_ptr<Metrics> metrics, CacheMetricsOptions options) {
    if (!metrics) raise(ErrorCode::invalid_argument, "the metrics of a cache need something that collects them");
    impl_ = std::make_shared<Impl>(std::move(metrics), options);
}

void CacheMetrics::operator()(const CacheEvent& event) const {
    using Kind = CacheEvent::Kind;
    Impl& impl = *impl_;
    const std::string tenant = impl.label(event.name_space);
    const auto count = static_cast<std::uint64_t>(event.count);
    switch (event.kind) {
        case Kind::hit:
            impl.metrics->counter(impl.hits, {to_string(event.hit->layer), tenant}).add(count);
            impl.metrics->histogram(impl.similarity, {tenant}).observe(event.hit->similarity);
            impl.metrics->histogram(impl.age, {tenant}).observe(static_cast<double>(event.hit->age.count()));
            return;
        case Kind::miss: impl.metrics->counter(impl.misses, {event.reason, tenant}).add(count); return;
        case Kind::eviction: impl.metrics->counter(impl.evictions, {tenant}).add(count); return;
        case Kind::expired: impl.metrics->counter(impl.expirations, {tenant}).add(count); return;
        case Kind::computed: impl.metrics->counter(impl.computations, {event.reason, tenant}).add(count); return;
        case Kind::shared: impl.metrics->counter(impl.shared_answers, {tenant}).add(count); return;
        case Kind::put:
        case Kind::removed: return;
    }
}

void CacheMetrics::update_gauges(const CacheStats& stats, std::string_view tenant) const {
    impl_->metrics->gauge(impl_->entries, {tenant}).set(static_cast<double>(stats.entries));
    impl_->metrics->gauge(impl_->memory_bytes, {tenant}).set(static_cast<double>(stats.bytes));
}

}  // namespace v0
}  // namespace stele
