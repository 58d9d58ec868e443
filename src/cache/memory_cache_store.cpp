#include "cache/memory_cache_store.hpp"

#include <algorithm>

#include "cache/entry_vector.hpp"

namespace stele {
namespace {

CacheQuota least(const CacheQuota& a, const CacheQuota& b) {
    const auto lower = [](const std::optional<std::size_t>& x, const std::optional<std::size_t>& y) {
        return x && y ? std::min(x, y) : x ? x : y;
    };
    return {lower(a.entries, b.entries), lower(a.bytes, b.bytes)};
}

}  // namespace

MemoryCacheStore::MemoryCacheStore(MemoryDatabase database) : database_(std::move(database)), impl_(database_.impl()) {
    MutexLock lock(impl_.mutex);
    data_ = &impl_.data<Data>("cache");
}

std::size_t MemoryCacheStore::dimension() const noexcept {
    MutexLock lock(impl_.mutex);
    return data_->dimension;
}

CacheSettings MemoryCacheStore::look(Deadline) {
    MutexLock lock(impl_.mutex);
    return data_->settings;
}

// Both or none, and none if one of them is another's already.
CacheSettings MemoryCacheStore::claim(const std::optional<std::string>& fingerprint, std::size_t length, Deadline) {
    MutexLock lock(impl_.mutex);
    CacheSettings& settings = data_->settings;
    const std::string dimension = std::to_string(length);
    const bool others = (settings.fingerprint && settings.fingerprint != fingerprint) ||
                        (settings.dimension && settings.dimension != dimension);
    if (!others) {
        if (fingerprint) settings.fingerprint = fingerprint;
        settings.dimension = dimension;
        data_->dimension = length;
    }
    return settings;
}

GetOutcome MemoryCacheStore::get(const GetRequest& request, const std::function<float()>& threshold, Embedder* embedder,
                                 Deadline deadline) {
    GetOutcome outcome;
    {
        MutexLock lock(impl_.mutex);
        Space& space = data_->spaces[request.name_space];
        if (const auto found = space.ids.find(request.hash); found != space.ids.end()) {
            Entry& entry = space.entries.at(found->second);
            outcome.expired = !live(entry);
            if (!outcome.expired) {
                outcome.hit = used(found->second, entry, 1.0f, HitLayer::exact);
                return outcome;
            }
        }
    }
    outcome.miss = GetOutcome::Miss::not_found;
    if (!request.by_meaning) return outcome;
    const float min_score = threshold();
    std::vector<float> unit;
    if (request.unit) {
        unit = *request.unit;
    } else {
        Result<Embedding> embedding = try_embed(embedder, request.query, deadline);
        if (!embedding || embedding->truncated) {
            outcome.miss = embedding ? GetOutcome::Miss::truncated : GetOutcome::Miss::embedder_failed;
            return outcome;
        }
        unit = checked_vector(std::move(embedding->vector), dimension());
    }
    MutexLock lock(impl_.mutex);
    outcome.hit = best_alive(request.name_space, unit, min_score);
    if (outcome.hit) outcome.miss = GetOutcome::Miss::none;
    return outcome;
}

std::optional<Hit> MemoryCacheStore::best_alive(const std::string& name_space, std::span<const float> unit,
                                                float min_score) {
    Space& space = data_->spaces[name_space];
    if (!space.index) return std::nullopt;
    for (const Match& match : space.index->search(unit, space.index->size(), min_score)) {
        Entry& entry = space.entries.at(match.id);
        if (live(entry)) return used(match.id, entry, std::min(match.score, 1.0f), HitLayer::semantic);
    }
    return std::nullopt;
}

std::vector<CacheGone> MemoryCacheStore::put(const NewEntry& entry, const OwnLimits& own, Deadline) {
    MutexLock lock(impl_.mutex);
    Space& space = data_->spaces[entry.scope.stored_namespace()];
    space.tenant = entry.scope.tenant();
    space.attributes = entry.scope.attributes();
    const auto [known, added] = space.ids.try_emplace(entry.hash, data_->last_id + 1);
    if (added) ++data_->last_id;
    const std::int64_t id = known->second;
    Entry stored{.hash = entry.hash,
                 .query = std::string(entry.query),
                 .response = std::string(entry.response),
                 .metadata = entry.metadata,
                 .created = now(),
                 .ttl = {},
                 .last_access = now()};
    if (entry.ttl) stored.ttl = std::chrono::seconds(*entry.ttl);
    // one without a vector has zeros instead, in tables
    stored.bytes = static_cast<std::int64_t>(entry.query.size() + entry.response.size() + entry.metadata.text().size() +
                                             data_->dimension * sizeof(float));
    space.entries.insert_or_assign(id, std::move(stored));
    if (!entry.unit.empty()) {
        if (!space.index) space.index.emplace(data_->dimension);
        space.index->upsert(id, entry.unit);
    } else if (space.index) {
        space.index->remove(id);
    }

    std::vector<CacheGone> gone;
    if (const auto quota = data_->quotas.find(entry.scope.tenant()); quota != data_->quotas.end()) {
        trim(entry.scope.tenant(), quota->second, own.at_once, id, gone);
    }
    trim({}, least(own.limits, data_->limits), own.at_once, id, gone);
    count(gone);
    return gone;
}

bool MemoryCacheStore::remove(const std::string& name_space, const std::string& hash, Deadline) {
    MutexLock lock(impl_.mutex);
    Space& space = data_->spaces[name_space];
    const auto found = space.ids.find(hash);
    if (found == space.ids.end()) return false;
    erase(space, found->second);
    return true;
}

std::size_t MemoryCacheStore::clear(const std::string& name_space, Deadline) {
    MutexLock lock(impl_.mutex);
    const auto space = data_->spaces.extract(name_space);
    return space.empty() ? 0 : space.mapped().entries.size();
}

CacheTotals MemoryCacheStore::totals(const std::optional<std::string>& name_space, Deadline) {
    MutexLock lock(impl_.mutex);
    CacheTotals totals;
    totals.counters = data_->saved.pending(name_space);
    for (const auto& [name, space] : data_->spaces) {
        if (name_space && *name_space != name) continue;
        const auto living = std::count_if(space.entries.begin(), space.entries.end(),
                                          [this](const auto& entry) { return live(entry.second); });
        totals.entries += living;
        totals.expired += static_cast<std::int64_t>(space.entries.size()) - living;
        for (const auto& [id, entry] : space.entries) totals.bytes += entry.bytes;
        if (!space.index) continue;
        totals.index_rows += space.index->size();
        totals.index_bytes += space.index->bytes();
    }
    return totals;
}

void MemoryCacheStore::save(const Counters::Batch& batch, Deadline) {
    MutexLock lock(impl_.mutex);
    data_->saved.put_back(batch);
}

std::chrono::seconds MemoryCacheStore::age(const Entry& entry) const {
    return std::max(now() - entry.created, std::chrono::seconds(0));
}

Hit MemoryCacheStore::used(std::int64_t id, Entry& entry, float similarity, HitLayer layer) {
    entry.last_access = now();
    ++entry.access_count;
    return {id, entry.response, entry.query, similarity, layer, age(entry), entry.metadata};
}

void MemoryCacheStore::erase(Space& space, std::int64_t id) {
    const auto found = space.entries.find(id);
    if (space.index) space.index->remove(id);
    space.ids.erase(found->second.hash);
    space.entries.erase(found);
}

}  // namespace stele
