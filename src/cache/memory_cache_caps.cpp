// The twin's limits, and its housekeeping.
#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <tuple>

#include "base/json_tree.hpp"
#include "cache/memory_cache_store.hpp"

namespace stele {
namespace {

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool holds(std::string_view text, std::string_view part) {
    return std::search(text.begin(), text.end(), part.begin(), part.end(),
                       [](char a, char b) { return lower(a) == lower(b); }) != text.end();
}

// as jsonb's @> says
bool contains(const JsonNode& whole, const JsonNode& part) {
    using Kind = JsonNode::Kind;
    if (whole.kind != part.kind) return false;
    if (part.kind == Kind::object) {
        for (std::size_t i = 0; i < part.keys.size(); ++i) {
            const JsonNode* const value = whole.find(part.keys[i]);
            if (value == nullptr || !contains(*value, *part.find(part.keys[i]))) return false;
        }
        return true;
    }
    if (part.kind == Kind::array) {
        return std::all_of(part.items.begin(), part.items.end(), [&](const JsonNode& wanted) {
            return std::any_of(whole.items.begin(), whole.items.end(),
                               [&](const JsonNode& item) { return contains(item, wanted); });
        });
    }
    return same_value(whole, part);
}

}  // namespace

void MemoryCacheStore::trim(const std::optional<std::string>& tenant, const CacheQuota& quota, std::int64_t at_once,
                            std::int64_t put, std::vector<CacheGone>& gone) {
    if (quota.empty()) return;
    constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max();
    const auto most_entries = quota.entries ? static_cast<std::int64_t>(*quota.entries) : kNone;
    const auto most_bytes = quota.bytes ? static_cast<std::int64_t>(*quota.bytes) : kNone;
    struct Victim {
        bool is_put, is_live;
        std::chrono::sys_seconds last_access;
        std::int64_t id;
        const std::string* name;
        Space* space;
    };
    std::vector<Victim> victims;
    std::int64_t entries = 0, bytes = 0;
    for (auto& [name, space] : data_->spaces) {
        if (tenant && space.tenant != *tenant) continue;
        for (const auto& [id, entry] : space.entries) {
            victims.push_back({id == put, live(entry), entry.last_access, id, &name, &space});
            ++entries;
            bytes += entry.bytes;
        }
    }
    std::sort(victims.begin(), victims.end(), [](const Victim& a, const Victim& b) {
        return std::tie(a.is_put, a.is_live, a.last_access, a.id) < std::tie(b.is_put, b.is_live, b.last_access, b.id);
    });
    bool more = false;
    for (const Victim& each : victims) {
        const bool over = entries > most_entries || bytes > most_bytes;
        if (entries > most_entries && each.is_live && !more) {
            at_once = std::min(at_once, most_entries / 10);
            more = true;
        }
        if (!over && (!more || each.is_put || at_once-- <= 0)) break;
        --entries;
        bytes -= each.space->entries.at(each.id).bytes;
        auto told =
            std::find_if(gone.begin(), gone.end(), [&](const CacheGone& g) { return g.name_space == *each.name; });
        if (told == gone.end()) told = gone.insert(gone.end(), {*each.name, 0, 0});
        ++(each.is_live ? told->evicted : told->expired);
        erase(*each.space, each.id);
    }
}

void MemoryCacheStore::count(const std::vector<CacheGone>& gone) {
    for (const CacheGone& each : gone) {
        if (each.evicted > 0) data_->saved.add(each.name_space, Counter::evictions, each.evicted);
        if (each.expired > 0) data_->saved.add(each.name_space, Counter::expirations, each.expired);
    }
}

std::size_t MemoryCacheStore::clear_all(Deadline) {
    MutexLock lock(impl_.mutex);
    std::size_t entries = 0;
    for (const auto& [name, space] : data_->spaces) entries += space.entries.size();
    data_->spaces.clear();
    return entries;
}

std::vector<CacheGone> MemoryCacheStore::vacuum(const std::optional<std::string>& name_space,
                                                std::chrono::seconds spared, Deadline) {
    MutexLock lock(impl_.mutex);
    std::vector<CacheGone> gone;
    for (auto& [name, space] : data_->spaces) {
        if (name_space && *name_space != name) continue;
        std::vector<std::int64_t> dead;
        for (const auto& [id, entry] : space.entries) {
            if (!live(entry) && now() - entry.created - *entry.ttl >= spared) dead.push_back(id);
        }
        for (const std::int64_t id : dead) erase(space, id);
        if (!dead.empty()) gone.push_back({name, 0, static_cast<std::int64_t>(dead.size())});
    }
    count(gone);
    return gone;
}

CacheRemoved MemoryCacheStore::remove_all(
    const std::function<bool(const std::string& name, const Space&, const Entry&)>& condition) {
    CacheRemoved removed;
    for (auto& [name, space] : data_->spaces) {
        std::vector<std::int64_t> ids;
        for (const auto& [id, entry] : space.entries) {
            if (condition(name, space, entry)) ids.push_back(id);
        }
        for (const std::int64_t id : ids) erase(space, id);
        if (!ids.empty()) removed[name] = static_cast<std::int64_t>(ids.size());
    }
    return removed;
}

CacheRemoved MemoryCacheStore::remove_tagged(const std::string& tag, const Scope& scope, bool whole_tenant, Deadline) {
    MutexLock lock(impl_.mutex);
    return remove_all([&](const std::string& name, const Space& space, const Entry& entry) {
        const bool here = whole_tenant ? space.tenant == scope.tenant() : name == scope.stored_namespace();
        return here && std::binary_search(entry.tags.begin(), entry.tags.end(), tag);
    });
}

CacheRemoved MemoryCacheStore::remove_outdated(const std::optional<std::string>& name_space, Deadline) {
    MutexLock lock(impl_.mutex);
    std::vector<const Entry*> all;
    for (const auto& [name, space] : data_->spaces) {
        if (name_space && *name_space != name) continue;
        for (const auto& [id, entry] : space.entries) {
            if (outdated(entry)) all.push_back(&entry);
        }
    }
    return remove_all([&all](const std::string&, const Space&, const Entry& entry) {
        return std::find(all.begin(), all.end(), &entry) != all.end();
    });
}

std::shared_ptr<const CachePolicies> MemoryCacheStore::policies(Deadline) {
    MutexLock lock(impl_.mutex);
    return std::make_shared<CachePolicies>(data_->policies);
}

void MemoryCacheStore::set_policy(const std::string& tenant, const CachePolicy& policy, Deadline) {
    MutexLock lock(impl_.mutex);
    data_->policies[tenant] = policy;
}

bool MemoryCacheStore::remove_policy(const std::string& tenant, Deadline) {
    MutexLock lock(impl_.mutex);
    return data_->policies.erase(tenant) > 0;
}

std::vector<CacheEntry> MemoryCacheStore::list(const std::optional<std::string>& name_space,
                                               const CacheEntryFilter& filter, Deadline) {
    using Place = CacheEntryFilter::Place;
    const bool coldest = filter.order == EntryOrder::coldest_first;
    const auto before = [coldest](const Place& a, const Place& b) {
        return coldest ? std::tie(a.last_access, a.id) < std::tie(b.last_access, b.id) : a.id > b.id;
    };
    const JsonNode metadata = parse_json(filter.metadata.text());
    MutexLock lock(impl_.mutex);
    std::vector<CacheEntry> page;
    for (const auto& [name, space] : data_->spaces) {
        if (name_space && *name_space != name) continue;
        for (const auto& [id, entry] : space.entries) {
            if (!live(entry) || now() - entry.created < filter.min_age) continue;
            if (filter.after && !before(*filter.after, {entry.last_access, id})) continue;
            if (!holds(entry.query, filter.text) && !holds(entry.response, filter.text)) continue;
            if (!contains(parse_json(entry.metadata.text()), metadata)) continue;
            if (!filter.tag.empty() && !std::binary_search(entry.tags.begin(), entry.tags.end(), filter.tag)) continue;
            page.push_back({id, name, entry.query, entry.response, entry.metadata, age(entry), entry.ttl,
                            entry.last_access, std::max(now() - entry.last_access, std::chrono::seconds(0)),
                            entry.access_count, entry.tags, entry.depends_on, outdated(entry)});
        }
    }
    std::sort(page.begin(), page.end(),
              [&before](const CacheEntry& a, const CacheEntry& b) { return before(Place::of(a), Place::of(b)); });
    if (page.size() > filter.limit) page.resize(filter.limit);
    return page;
}

std::vector<CacheNamespace> MemoryCacheStore::namespaces(Deadline) {
    MutexLock lock(impl_.mutex);
    std::vector<CacheNamespace> namespaces;
    for (const auto& [name, space] : data_->spaces) {
        if (space.entries.empty()) continue;
        CacheNamespace one{name, space.tenant, Json::trusted(nlohmann::json(space.attributes).dump()), 0, 0};
        one.entries = static_cast<std::int64_t>(space.entries.size());
        for (const auto& [id, entry] : space.entries) one.bytes += entry.bytes;
        namespaces.push_back(std::move(one));
    }
    return namespaces;
}

StoreHealth MemoryCacheStore::health(Deadline) {
    MutexLock lock(impl_.mutex);
    StoreHealth health;
    health.schema_version = "1";
    health.fingerprint = data_->settings.fingerprint;
    health.sound = true;
    for (const auto& [name, space] : data_->spaces) {
        if (!space.entries.empty()) ++health.namespaces;
        for (const auto& [id, entry] : space.entries) {
            ++health.entries;
            health.bytes += entry.bytes;
            health.oldest_age = std::max(health.oldest_age.value_or(std::chrono::seconds(0)), age(entry));
        }
    }
    return health;
}

std::vector<CacheGone> MemoryCacheStore::set_limits(const std::optional<std::string>& tenant, const CacheQuota& quota,
                                                    Deadline) {
    MutexLock lock(impl_.mutex);
    (tenant ? data_->quotas[*tenant] : data_->limits) = quota;
    std::vector<CacheGone> gone;
    trim(tenant, quota, 0, 0, gone);
    count(gone);
    return gone;
}

bool MemoryCacheStore::remove_quota(const std::string& tenant, Deadline) {
    MutexLock lock(impl_.mutex);
    return data_->quotas.erase(tenant) > 0;
}

std::map<std::string, CacheQuota> MemoryCacheStore::quotas(const std::optional<std::string>& tenant, Deadline) {
    MutexLock lock(impl_.mutex);
    if (!tenant) return data_->quotas;
    const auto found = data_->quotas.find(*tenant);
    if (found == data_->quotas.end()) return {};
    return {*found};
}

CacheQuota MemoryCacheStore::limits(Deadline) {
    MutexLock lock(impl_.mutex);
    return data_->limits;
}

}  // namespace stele
