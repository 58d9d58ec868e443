#include "cache/cache_events.hpp"

#include <fmt/format.h>

#include <utility>

namespace stele {

inline namespace v0 {

std::string_view to_string(CacheEvent::Kind kind) noexcept {
    using Kind = CacheEvent::Kind;
    switch (kind) {
        case Kind::hit: return "hit";
        case Kind::miss: return "miss";
        case Kind::eviction: return "eviction";
        case Kind::expired: return "expired";
        case Kind::put: return "put";
        case Kind::removed: return "removed";
        case Kind::computed: return "computed";
        case Kind::shared: return "shared";
    }
    return "event";
}

}  // namespace v0

void CacheEvents::set(CacheEventHook hook) {
    auto next = hook ? std::make_shared<const CacheEventHook>(std::move(hook)) : nullptr;
    MutexLock lock(mutex_);
    heard_ = next != nullptr;
    hook_.swap(next);
}

void CacheEvents::tell(const CacheEvent& event, const CacheStore& store) const {
    if (!heard_ || event.count == 0) return;
    std::shared_ptr<const CacheEventHook> hook;
    {
        MutexLock lock(mutex_);
        hook = hook_;
    }
    if (!hook) return;
    std::string why;
    try {
        (*hook)(event);
        return;
    } catch (const std::exception& error) {
        why = error.what();
    } catch (...) {
        why = "something that is no exception";
    }
    store.log(LogLevel::warning, fmt::format("the hook on_event threw at '{}': {}", to_string(event.kind), why));
}

void CacheEvents::tell(const std::vector<CacheGone>& gone, const CacheStore& store) const {
    for (const CacheGone& each : gone) {
        tell({.kind = CacheEvent::Kind::eviction, .name_space = each.name_space, .count = each.evicted}, store);
        tell({.kind = CacheEvent::Kind::expired, .name_space = each.name_space, .count = each.expired}, store);
    }
}

}  // namespace stele
