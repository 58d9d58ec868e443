#include "cache/memory_cache_store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <tuple>

#include "base/memory_heads.hpp"
#include "cache/candidate_trial.hpp"
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

MemoryCacheStore::MemoryCacheStore(MemoryDatabase database, const SemanticCacheOptions& options)
    : database_(std::move(database)),
      impl_(database_.impl()),
      format_(options.vector_format),
      index_bytes_(options.index_bytes) {
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
        const Space& space = data_->spaces[request.name_space];
        if (const auto found = space.ids.find(request.hash); found != space.ids.end()) {
            const Entry& entry = space.entries.at(found->second);
            const EntryState how = state(entry);
            outcome.expired = how == EntryState::expired;
            outcome.outdated = how == EntryState::outdated;
            if (how == EntryState::live) outcome.hit = hit(found->second, entry, 1.0f, HitLayer::exact);
            if (outcome.expired && request.keep_old && !outdated(entry)) {
                outcome.old = hit(found->second, entry, 1.0f, HitLayer::exact);
                outcome.overdue = age(entry) - *entry.ttl;
            }
        }
    }
    if (outcome.hit) {
        if (!request.explain) accessed(request.name_space, outcome.hit->id);
        return outcome;
    }
    outcome.miss = outcome.expired    ? MissReason::expired
                   : outcome.outdated ? MissReason::outdated
                                      : MissReason::no_match;
    if (!request.by_meaning) return outcome;
    const float min_score = threshold();
    std::vector<float> unit;
    if (request.unit) {
        unit = *request.unit;
    } else {
        Result<Embedding> embedding = try_embed(embedder, request.query, deadline);
        if (!embedding || embedding->truncated) {
            outcome.miss = embedding ? MissReason::truncated : MissReason::embedder_failure;
            if (!embedding) outcome.embedder_error = embedding.error().message;
            return outcome;
        }
        unit = checked_vector(std::move(embedding->vector), dimension());
    }
    if (request.keep_unit) outcome.unit = unit;
    CandidateTrial trial(request, min_score, outcome);
    const std::vector<Found> all = alike(request.name_space, unit, trial.search_from());
    // without the lock: guards are the caller's code
    for (const Found& found : all) {
        if (!trial.wants_more()) break;
        trial.hear(found.entry, found.hash, found.state);
    }
    {
        MutexLock lock(impl_.mutex);
        const Space& space = data_->spaces[request.name_space];
        trial.end(space.index && space.index->size() != 0);
    }
    if (outcome.hit && !request.explain) accessed(request.name_space, outcome.hit->id);
    return outcome;
}

void MemoryCacheStore::accessed(const std::string& name_space, std::int64_t id) {
    MutexLock lock(impl_.mutex);
    auto& entries = data_->spaces[name_space].entries;
    const auto found = entries.find(id);
    if (found == entries.end()) return;
    found->second.last_access = now();
    ++found->second.access_count;
}

std::vector<MemoryCacheStore::Found> MemoryCacheStore::alike(const std::string& name_space, std::span<const float> unit,
                                                             float min_score) {
    MutexLock lock(impl_.mutex);
    Space& space = data_->spaces[name_space];
    std::vector<Found> all;
    FlatIndex* const index = index_of(space);
    if (index == nullptr) return all;
    const std::size_t most = index_bytes_ == 0 ? std::numeric_limits<std::size_t>::max() : index_bytes_;
    std::size_t bytes = index_bytes_ == 0 ? 0 : index->usage().bytes;
    if (bytes > most) {  // it may fit without
        index->drop_copies(bytes - most);
        bytes = index->usage().bytes;
    }
    if (bytes > most) {
        raise(ErrorCode::limit_exceeded,
              fmt::format("the vectors of the scope '{}' need more than index_bytes, which is {}", name_space,
                          index_bytes_));
    }
    for (const Match& match : index->search(unit, index->size(), min_score)) {
        const Entry& entry = space.entries.at(match.id);
        const double exact = std::inner_product(unit.begin(), unit.end(), entry.unit.begin(), 0.0);
        const float score = index->format() == VectorFormat::float32 ? match.score : static_cast<float>(exact);
        all.push_back({hit(match.id, entry, std::min(score, 1.0f), HitLayer::semantic), entry.hash, state(entry)});
    }
    index->make_copies(most - bytes);
    std::sort(all.begin(), all.end(), [](const Found& a, const Found& b) {
        return std::tuple(-a.entry.similarity, a.entry.id) < std::tuple(-b.entry.similarity, b.entry.id);
    });
    return all;
}

FlatIndex* MemoryCacheStore::index_of(Space& space) const {
    const VectorFormat format = format_;
    if (!space.index || space.index->format() == format) return space.index.get();
    space.index = std::make_unique<FlatIndex>(space.index->dimension(), format);
    for (const auto& [id, entry] : space.entries) {
        if (!entry.unit.empty()) space.index->upsert(id, entry.unit);
    }
    return space.index.get();
}

std::size_t MemoryCacheStore::compact(const std::optional<std::string>& name_space, Deadline) {
    MutexLock lock(impl_.mutex);
    std::size_t tombstones = 0;
    for (auto& [name, space] : data_->spaces) {
        if (space.index && (!name_space || *name_space == name)) tombstones += space.index->compact();
    }
    return tombstones;
}

std::vector<GetOutcome> MemoryCacheStore::get_exact(std::span<GetRequest> requests, Deadline deadline) {
    std::vector<GetOutcome> outcomes;
    for (const GetRequest& each : requests) {
        GetRequest request = each;
        request.by_meaning = false;
        outcomes.push_back(get(request, {}, nullptr, deadline));
    }
    return outcomes;
}

std::vector<GetOutcome> MemoryCacheStore::get_alike(std::span<const KnownRequest> requests,
                                                    const std::function<float()>& threshold, Embedder*,
                                                    Deadline deadline) {
    std::vector<GetOutcome> outcomes;
    for (const KnownRequest& each : requests) outcomes.push_back(get(*each.request, threshold, nullptr, deadline));
    return outcomes;
}

std::vector<CacheGone> MemoryCacheStore::put(const NewEntry& entry, const OwnLimits& own, Deadline) {
    MutexLock lock(impl_.mutex);
    return put_one(entry, own);
}

std::vector<CacheGone> MemoryCacheStore::put_many(std::span<const NewEntry> entries, const OwnLimits& own, Deadline) {
    MutexLock lock(impl_.mutex);
    std::vector<CacheGone> gone;
    for (const NewEntry& entry : entries) {
        for (CacheGone& each : put_one(entry, own)) gone.push_back(std::move(each));
    }
    return gone;
}

std::vector<CacheGone> MemoryCacheStore::put_one(const NewEntry& entry, const OwnLimits& own) {
    if (entry.claim != nullptr && !end(*entry.claim)) {
        entry.claim->replaced = true;
        return {};
    }
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
    if (!entry.ttl && entry.by_default) {
        const auto settled = data_->policies.find(space.tenant);
        if (settled != data_->policies.end()) stored.ttl = settled->second.default_ttl;
        if (!stored.ttl && entry.default_ttl) stored.ttl = std::chrono::seconds(*entry.default_ttl);
    }
    stored.tags.assign(entry.tags.begin(), entry.tags.end());
    for (const Dependency& each : entry.depends_on) {
        stored.depends_on.push_back(each);
        if (!each.newest) continue;
        stored.depends_on.back().version = MemoryHeads::of(impl_).current(each.kind, each.name).value_or("");
        stored.depends_on.back().newest = false;
    }
    std::sort(stored.depends_on.begin(), stored.depends_on.end());
    // one without a vector has zeros instead, in tables
    stored.bytes = static_cast<std::int64_t>(entry.query.size() + entry.response.size() + entry.metadata.text().size() +
                                             data_->dimension * sizeof(float));
    stored.unit.assign(entry.unit.begin(), entry.unit.end());
    space.entries.insert_or_assign(id, std::move(stored));
    if (!entry.unit.empty()) {
        if (!space.index) space.index = std::make_unique<FlatIndex>(data_->dimension, format_);
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
    return remove_if(name_space, hash, [](const Entry&) { return true; });
}

bool MemoryCacheStore::remove_answer(const std::string& name_space, const std::string& hash,
                                     const std::string& response, Deadline) {
    return remove_if(name_space, hash, [&response](const Entry& entry) { return entry.response == response; });
}

bool MemoryCacheStore::remove_if(const std::string& name_space, const std::string& hash,
                                 const std::function<bool(const Entry&)>& condition) {
    MutexLock lock(impl_.mutex);
    Space& space = data_->spaces[name_space];
    const auto found = space.ids.find(hash);
    if (found == space.ids.end() || !condition(space.entries.at(found->second))) return false;
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
        const FlatIndex::Usage usage = space.index->usage();
        totals.index_rows += usage.rows;
        totals.index_tombstones += usage.tombstones;
        totals.index_bytes += usage.bytes;
    }
    return totals;
}

void MemoryCacheStore::save(const Counters::Batch& batch, Deadline) {
    MutexLock lock(impl_.mutex);
    data_->saved.put_back(batch);
}

bool MemoryCacheStore::outdated(const Entry& entry) const {
    for (const Dependency& each : entry.depends_on) {
        const std::optional<std::string> current = MemoryHeads::of(impl_).current(each.kind, each.name);
        if (current && *current != each.version) return true;
    }
    return false;
}

std::chrono::seconds MemoryCacheStore::age(const Entry& entry) const {
    return std::max(now() - entry.created, std::chrono::seconds(0));
}

Hit MemoryCacheStore::hit(std::int64_t id, const Entry& entry, float similarity, HitLayer layer) const {
    return {id, entry.response, entry.query, similarity, layer, age(entry), entry.metadata, similarity};
}

void MemoryCacheStore::erase(Space& space, std::int64_t id) {
    const auto found = space.entries.find(id);
    if (space.index) space.index->remove(id);
    space.ids.erase(found->second.hash);
    space.entries.erase(found);
}

}  // namespace stele
