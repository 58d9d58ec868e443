#include "stele/semantic_cache.hpp"

#include <fmt/format.h>

#include "base/hash.hpp"
#include "base/text.hpp"
#include "cache/cache_checks.hpp"
#include "cache/memory_cache_store.hpp"
#include "cache/once/once.hpp"
#include "cache/postgres_cache_store.hpp"
#include "cache/semantic_cache_impl.hpp"

namespace stele {
inline namespace v0 {

std::string_view to_string(HitLayer layer) noexcept {
    switch (layer) {
        case HitLayer::local: return "local";
        case HitLayer::exact: return "exact";
        case HitLayer::semantic: return "semantic";
    }
    return "?";
}

std::string normalized_query(std::string_view query) {
    check_text("the query", query);
    return normalize_query(query);
}

SemanticCache::SemanticCache(Database database, std::shared_ptr<Embedder> embedder, SemanticCacheOptions options)
    : SemanticCache([&] {
          auto store = std::make_shared<PostgresCacheStore>(std::move(database), options);
          return Impl::make(std::move(store), std::move(embedder), std::move(options));
      }()) {
    impl_->open();
}

SemanticCache SemanticCache::in_memory(MemoryDatabase database, std::shared_ptr<Embedder> embedder,
                                       SemanticCacheOptions options) {
    auto store = std::make_shared<MemoryCacheStore>(std::move(database), options);
    SemanticCache twin(Impl::make(std::move(store), std::move(embedder), std::move(options)));
    twin.impl_->open();
    return twin;
}

SemanticCache SemanticCache::in(Transaction& transaction) const {
    impl_->check_open();
    return SemanticCache(std::make_unique<Impl>(impl_->shared, impl_->store->join(transaction)));
}

SemanticCache SemanticCache::in(Savepoint& savepoint) const {
    impl_->check_open();
    return SemanticCache(std::make_unique<Impl>(impl_->shared, impl_->store->join(savepoint)));
}

SemanticCache::SemanticCache(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SemanticCache::SemanticCache(SemanticCache&&) noexcept = default;
SemanticCache& SemanticCache::operator=(SemanticCache&&) noexcept = default;

SemanticCache::~SemanticCache() {
    if (!impl_) return;
    try {
        close(Deadline::after(std::chrono::seconds(5)));
    } catch (const std::exception& error) {
        impl_->store->log(LogLevel::warning, fmt::format("the cache's counters could not be saved: {}", error.what()));
    }
}

std::optional<Hit> SemanticCache::get(std::string_view query, const Scope& scope, const GetOptions& options) {
    return look_up(query, scope, options).hit;
}

Lookup SemanticCache::look_up(std::string_view query, const Scope& scope, const GetOptions& options) {
    impl_->check_open();
    GetOutcome outcome = impl_->look_up(query, scope, options);
    return {std::move(outcome.hit), outcome.miss};
}

Explanation SemanticCache::explain(std::string_view query, const Scope& scope, const GetOptions& options,
                                   std::size_t most) {
    impl_->check_open();
    GetOutcome outcome = impl_->look_up(query, scope, options, most);
    return {{std::move(outcome.hit), outcome.miss}, outcome.threshold, std::move(outcome.candidates)};
}

void SemanticCache::set_similarity_threshold(std::optional<float> threshold) {
    impl_->check_open();
    check_threshold(threshold);
    impl_->shared->threshold = threshold;
}

std::optional<float> SemanticCache::similarity_threshold() const noexcept {
    return impl_->shared->threshold;
}

bool SemanticCache::put(std::string_view query, std::string_view response, const Scope& scope,
                        const PutOptions& options) {
    impl_->check_open();
    if (impl_->skips(query, options.turns, scope)) {
        ++impl_->shared->skipped;
        return false;
    }
    impl_->put(query, response, scope, options);
    return true;
}

bool SemanticCache::remove(std::string_view query, const Scope& scope, std::optional<Deadline> deadline) {
    impl_->check_open();
    const bool removed =
        impl_->store->remove(scope.stored_namespace(), query_hash(impl_->key_text(query)), impl_->deadline(deadline));
    if (removed) impl_->tell(CacheEvent::Kind::removed, scope.stored_namespace(), 1);
    return removed;
}

std::size_t SemanticCache::clear(const Scope& scope, std::optional<Deadline> deadline) {
    impl_->check_open();
    const std::size_t entries = impl_->store->clear(scope.stored_namespace(), impl_->deadline(deadline));
    impl_->tell(CacheEvent::Kind::removed, scope.stored_namespace(), static_cast<std::int64_t>(entries));
    return entries;
}

CacheStats SemanticCache::stats(const std::optional<Scope>& scope, std::optional<Deadline> deadline) {
    Impl& impl = *impl_;
    impl.check_open();
    const Deadline until = impl.deadline(deadline);
    std::optional<std::string> name_space;
    if (scope) name_space = scope->stored_namespace();
    Counters::Values unsaved{};
    if (impl.store->in_transaction()) {
        unsaved = impl.shared->counters.pending(name_space);  // saving would lock rows that all share
    } else {
        impl.save_counters(until);
    }
    const CacheTotals totals = impl.store->totals(name_space, until);
    const auto value = [&](Counter counter) {
        const auto at = static_cast<std::size_t>(counter);
        return totals.counters[at] + unsaved[at];
    };
    CacheStats stats;
    stats.entries = totals.entries;
    stats.expired = totals.expired;
    stats.bytes = totals.bytes;
    stats.hits_exact = value(Counter::hits_exact);
    stats.hits_semantic = value(Counter::hits_semantic);
    stats.misses = value(Counter::misses);
    stats.hits_local = static_cast<std::int64_t>(impl.shared->hits_local.value());
    stats.evictions = value(Counter::evictions);
    stats.expirations = value(Counter::expirations);
    stats.unavailable = impl.shared->unavailable;
    stats.embedder_failures = impl.shared->embedder_failures;
    stats.truncated = impl.shared->truncated;
    stats.refused = impl.shared->refused;
    stats.outdated = impl.shared->outdated;
    stats.skipped = impl.shared->skipped;
    stats.guard_failures = impl.shared->guards.failures();
    const Once& once = *impl.shared->once;
    stats.computed = once.computed;
    stats.shared = once.shared;
    stats.compute_failures = once.failures;
    stats.served_stale = once.stale;
    stats.index_rows = totals.index_rows;
    stats.index_tombstones = totals.index_tombstones;
    stats.vector_bytes =
        vector_bytes(impl.store->vector_format(), static_cast<std::size_t>(totals.entries), impl.store->dimension());
    stats.index_bytes = totals.index_bytes;
    stats.local_entries = totals.local_entries;
    stats.local_bytes = totals.local_bytes;
    return stats;
}

std::vector<CacheEntry> SemanticCache::list(const Scope& scope, std::size_t limit, std::optional<std::int64_t> before,
                                            std::optional<Deadline> deadline) {
    CacheEntryFilter filter;
    filter.limit = limit;
    if (before) filter.after = CacheEntryFilter::Place{.id = *before};
    return entries(scope, filter, deadline);
}

void SemanticCache::close(std::optional<Deadline> deadline) {
    impl_->close(deadline);
}

}  // namespace v0
}  // namespace stele
