// The part of the cache's face that is about how much it holds.
#include "base/result.hpp"
#include "base/text.hpp"
#include "cache/cache_checks.hpp"
#include "cache/semantic_cache_impl.hpp"

namespace stele {
inline namespace v0 {
namespace {

std::optional<std::string> stored(const std::optional<Scope>& scope) {
    if (!scope) return std::nullopt;
    return scope->stored_namespace();
}

int whole_number(const std::string& text) {
    constexpr int kUnknown = 1;  // what mneme takes for one that it cannot read
    const int number = std::atoi(text.c_str());
    return number > 0 ? number : kUnknown;
}

}  // namespace

CacheEntryFilter::Place CacheEntryFilter::Place::of(const CacheEntry& entry) noexcept {
    return {entry.last_access, entry.id};
}

std::vector<CacheEntry> SemanticCache::entries(const std::optional<Scope>& scope, const CacheEntryFilter& filter,
                                               std::optional<Deadline> deadline) {
    impl_->check_open();
    check_text("the text that is looked for", filter.text);
    check_text("the tag that is looked for", filter.tag);
    if (!filter.metadata.is_object()) {
        raise(ErrorCode::invalid_argument, "the metadata that is looked for is not a JSON object");
    }
    return impl_->store->list(stored(scope), filter, impl_->deadline(deadline));
}

std::vector<CacheNamespace> SemanticCache::namespaces(std::optional<Deadline> deadline) {
    impl_->check_open();
    return impl_->store->namespaces(impl_->deadline(deadline));
}

CacheHealth SemanticCache::health(std::optional<Deadline> deadline) {
    impl_->check_open();
    CacheHealth health;
    health.index_backend = impl_->store->has_graph() ? "graph" : "flat";
    health.store_backend = impl_->store->kind();
    health.vector_dtype = to_string(impl_->store->vector_format());
    StoreHealth store;
    try {
        store = impl_->store->health(impl_->deadline(deadline));
    } catch (const Error& error) {
        if (!is_outage(error.code()) || impl_->store->in_transaction()) throw;
        health.problem = error.info().message;
        return health;
    }
    health.integrity_ok = store.sound;
    health.embedder_fingerprint_match =
        impl_->embedder == nullptr || !store.fingerprint || *store.fingerprint == impl_->embedder->fingerprint();
    health.healthy = health.integrity_ok && health.embedder_fingerprint_match;
    health.schema_version = whole_number(store.schema_version);
    health.entries = store.entries;
    health.bytes = store.bytes;
    health.namespaces = store.namespaces;
    health.oldest_entry_age = store.oldest_age;
    return health;
}

std::size_t SemanticCache::vacuum(const std::optional<Scope>& scope, std::optional<Deadline> deadline, bool compact) {
    impl_->check_open();
    const Deadline until = impl_->deadline(deadline);
    const std::int64_t removed = impl_->tell(impl_->store->vacuum(stored(scope), impl_->options.serve_stale, until));
    const std::size_t outdated = remove_outdated(scope, until);
    if (compact && !impl_->store->in_transaction()) impl_->store->compact(stored(scope), until);
    return static_cast<std::size_t>(removed) + outdated;
}

std::size_t SemanticCache::compact(const std::optional<Scope>& scope, std::optional<Deadline> deadline) {
    impl_->check_open();
    return impl_->store->compact(stored(scope), impl_->deadline(deadline));
}

void SemanticCache::set_vector_format(VectorFormat format) {
    impl_->check_open();
    impl_->store->set_vector_format(format);
}

VectorFormat SemanticCache::vector_format() const noexcept {
    return impl_->store->vector_format();
}

std::size_t SemanticCache::clear_all(std::optional<Deadline> deadline) {
    impl_->check_open();
    const Deadline until = impl_->deadline(deadline);
    const std::vector<CacheNamespace> there =
        impl_->shared->events.heard() ? impl_->store->namespaces(until) : std::vector<CacheNamespace>();
    const std::size_t entries = impl_->store->clear_all(until);
    for (const CacheNamespace& each : there)
        impl_->tell(CacheEvent::Kind::removed, each.stored_namespace, each.entries);
    return entries;
}

void SemanticCache::set_quota(std::string_view tenant, const CacheQuota& quota, std::optional<Deadline> deadline) {
    impl_->check_open();
    check_tenant_quota(tenant, quota);
    impl_->tell(impl_->store->set_limits(std::string(tenant), quota, impl_->deadline(deadline)));
}

std::optional<CacheQuota> SemanticCache::quota(std::string_view tenant, std::optional<Deadline> deadline) {
    impl_->check_open();
    const std::string name = Scope(tenant).tenant();
    const auto found = impl_->store->quotas(name, impl_->deadline(deadline));
    const auto one = found.find(name);
    return one == found.end() ? std::nullopt : std::optional<CacheQuota>(one->second);
}

std::map<std::string, CacheQuota> SemanticCache::quotas(std::optional<Deadline> deadline) {
    impl_->check_open();
    return impl_->store->quotas({}, impl_->deadline(deadline));
}

bool SemanticCache::remove_quota(std::string_view tenant, std::optional<Deadline> deadline) {
    impl_->check_open();
    return impl_->store->remove_quota(Scope(tenant).tenant(), impl_->deadline(deadline));
}

void SemanticCache::set_limits(const CacheQuota& limits, std::optional<Deadline> deadline) {
    impl_->check_open();
    check_quota("the limit", limits);
    impl_->tell(impl_->store->set_limits({}, limits, impl_->deadline(deadline)));
}

CacheQuota SemanticCache::limits(std::optional<Deadline> deadline) {
    impl_->check_open();
    return impl_->store->limits(impl_->deadline(deadline));
}

void SemanticCache::on_event(CacheEventHook hook) {
    impl_->shared->events.set(std::move(hook));
}

}  // namespace v0
}  // namespace stele
