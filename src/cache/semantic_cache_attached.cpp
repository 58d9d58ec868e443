// The part of the cache's face that is about what is kept beside answers, and what tenants have settled.
#include "cache/cache_checks.hpp"
#include "cache/semantic_cache_impl.hpp"

namespace stele {
inline namespace v0 {
namespace {

std::size_t sum(const CacheRemoved& removed) {
    std::int64_t all = 0;
    for (const auto& [name, entries] : removed) all += entries;
    return static_cast<std::size_t>(all);
}

}  // namespace

std::size_t SemanticCache::remove_tagged(std::string_view tag, const Scope& scope, bool whole_tenant,
                                         std::optional<Deadline> deadline) {
    impl_->check_open();
    const std::vector<std::string> one = checked_tags({std::string(tag)});
    const CacheRemoved removed =
        impl_->store->remove_tagged(one.front(), scope, whole_tenant, impl_->deadline(deadline));
    impl_->tell_removed(removed);
    return sum(removed);
}

std::size_t SemanticCache::remove_outdated(const std::optional<Scope>& scope, std::optional<Deadline> deadline) {
    impl_->check_open();
    std::optional<std::string> name_space;
    if (scope) name_space = scope->stored_namespace();
    const CacheRemoved removed = impl_->store->remove_outdated(name_space, impl_->deadline(deadline));
    impl_->tell_removed(removed);
    return sum(removed);
}

void SemanticCache::set_policy(std::string_view tenant, const CachePolicy& policy, std::optional<Deadline> deadline) {
    impl_->check_open();
    check_policy(tenant, policy);
    impl_->store->set_policy(std::string(tenant), policy, impl_->deadline(deadline));
}

std::optional<CachePolicy> SemanticCache::policy(std::string_view tenant, std::optional<Deadline> deadline) {
    const std::map<std::string, CachePolicy> all = policies(deadline);
    const auto found = all.find(Scope(tenant).tenant());
    return found == all.end() ? std::nullopt : std::optional<CachePolicy>(found->second);
}

std::map<std::string, CachePolicy> SemanticCache::policies(std::optional<Deadline> deadline) {
    impl_->check_open();
    return *impl_->store->policies(impl_->deadline(deadline));
}

bool SemanticCache::remove_policy(std::string_view tenant, std::optional<Deadline> deadline) {
    impl_->check_open();
    return impl_->store->remove_policy(Scope(tenant).tenant(), impl_->deadline(deadline));
}

}  // namespace v0
}  // namespace stele
