#include "cache/joined_cache_store.hpp"

#include <algorithm>

#include "cache/cache_caps.hpp"
#include "cache/cache_statements.hpp"
#include "cache/entry_vector.hpp"
#include "cache/many_lookup.hpp"

namespace stele {
namespace {

// Statements before the commit, in this order, which is that of an outside put: scopes, the counter, what only
// touches own rows, and what is too much then, which is known only while the counter is held.
const std::string kScope = "cache 1 scope ";
const std::string kVersion = "cache 2 version";
const std::string kEpoch = "cache 2 version, epoch";
const std::string kRenew = "cache 3 renew";
const std::string kFill = "cache 4 fill";
const std::string kEvict = "cache 5 evict";

}  // namespace

CacheSettings JoinedCacheStore::claim(const std::optional<std::string>&, std::size_t, Deadline) {
    raise(ErrorCode::invalid_argument,
          "how long the vectors of this cache are is not settled yet; put the first one outside of a transaction");
}

GetOutcome JoinedCacheStore::get(const GetRequest& request, const std::function<float()>& threshold, Embedder* embedder,
                                 Deadline deadline) {
    Neighbours near;
    if (request.by_meaning) near = neighbours(request.name_space, threshold, deadline);
    GetOutcome outcome = drive(get_operation(sql_, request, near), joined_, embedder, deadline);
    note_access(request, outcome);
    return outcome;
}

// What it refers to is the caller's.
Neighbours JoinedCacheStore::neighbours(const std::string& name_space, const std::function<float()>& threshold,
                                        Deadline deadline) {
    const VectorMemory& shared = *outside_->memory();
    if (!vectors_) vectors_.emplace(sql_, shared);
    Neighbours near;
    near.made_in = [this, searched = outside_->epoch()](std::int64_t epoch) {
        if (epoch != searched) outside_->refuse_epoch();
    };
    near.threshold = threshold;
    near.catch_up = [] {};
    near.search = [this, &name_space, deadline](std::span<const float> unit, std::size_t k, float min_score) {
        return vectors_->search(name_space, unit, k, min_score, joined_, deadline);
    };
    near.forget = [](std::int64_t) {};
    near.distrust = [] {};
    near.check = [&shared](std::vector<float> vector) { return checked_vector(std::move(vector), shared.dimension()); };
    near.any = [this, &name_space] { return vectors_->any(name_space); };
    near.exact = [&shared] { return shared.format() == VectorFormat::float32; };
    return near;
}

void JoinedCacheStore::note_access(const GetRequest& request, const GetOutcome& outcome) {
    if (!outcome.hit || request.explain) return;
    joined_.after_commit([outside = outside_, id = outcome.hit->id] { outside->accessed(id); });
}

std::vector<GetOutcome> JoinedCacheStore::get_exact(std::span<GetRequest> requests, Deadline deadline) {
    std::vector<const GetRequest*> all;
    for (const GetRequest& request : requests) all.push_back(&request);
    std::vector<GetOutcome> outcomes;
    for (const std::optional<Row>& row : read_questions(sql_, all, joined_, deadline)) {
        outcomes.push_back(exact_outcome(row));
        note_access(requests[outcomes.size() - 1], outcomes.back());
    }
    return outcomes;
}

std::vector<GetOutcome> JoinedCacheStore::get_alike(std::span<const KnownRequest> requests,
                                                    const std::function<float()>& threshold, Embedder*,
                                                    Deadline deadline) {
    if (requests.empty()) return {};
    const Neighbours near = neighbours(requests.front().request->name_space, threshold, deadline);
    std::vector<GetOutcome> outcomes = look_for_alike(sql_, requests, near, joined_, deadline);
    for (std::size_t i = 0; i < requests.size(); ++i) note_access(*requests[i].request, outcomes[i]);
    return outcomes;
}

// Nobody who changes the same question may hold the counter's row while waiting for this transaction. Locks are few in
// a server: beyond some questions a transaction takes none, which only matters to those who change one of them.
std::vector<Rows> JoinedCacheStore::change(const std::string& name_space, const std::string& hash,
                                           std::vector<Statement> statements, Deadline deadline) {
    constexpr std::size_t kMostLocks = 64;
    const bool locks = std::max(locks_, joined_.asked(kVersion)) < kMostLocks;
    if (locks) {
        statements.insert(statements.begin(), outside_->lock_question(name_space, hash));
        ++locks_;
    }
    std::vector<Rows> rows = joined_.run(statements, deadline);
    if (locks) rows.erase(rows.begin());
    return rows;
}

void JoinedCacheStore::changed(std::int64_t id, const std::string& name_space, const std::string& hash) {
    raise_version(id);
    joined_.after_commit([outside = outside_, name_space, hash] { outside->changed(name_space, hash, 0); });
}

void JoinedCacheStore::raise_version(std::int64_t id) {
    joined_.before_commit(kVersion, id, [outside = outside_](std::span<const std::int64_t> ids) {
        return Statement(outside->sql().raise_version, kRebuildStep + static_cast<std::int64_t>(ids.size()));
    });
}

std::vector<CacheGone> JoinedCacheStore::put(const NewEntry& entry, const OwnLimits& own, Deadline deadline) {
    const std::string& name_space = entry.scope.stored_namespace();
    const bool may_need_zeros = entry.unit.empty() && dimension() == 0;
    const std::int64_t epoch = outside_->epoch();
    std::vector<Statement> statements{put_statement(sql_, entry, std::nullopt, made_in(entry, epoch), nullptr)};
    if (entry.attaches()) statements.push_back(attach_statement(sql_, entry, epoch));
    const std::vector<Rows> rows = change(name_space, entry.hash, std::move(statements), deadline);
    const Row row = rows.front()[0];
    if (row.find<std::string_view>("refused_for")) outside_->refuse_epoch();
    const auto id = row.get<std::int64_t>("id");
    changed(id, name_space, entry.hash);
    if (!entry.unit.empty()) {
        joined_.before_commit(kEpoch, epoch, [outside = outside_](std::span<const std::int64_t> epochs) {
            return Statement(outside->sql().same_epoch, *std::min_element(epochs.begin(), epochs.end()));
        });
    }
    joined_.before_commit(kRenew, id, [outside = outside_](std::span<const std::int64_t> ids) {
        return Statement(outside->sql().renew, std::vector<std::int64_t>(ids.begin(), ids.end()));
    });
    if (outside_->is_new(entry.scope)) {
        joined_.before_commit(kScope + name_space, 0, [outside = outside_, scope = entry.scope](auto) {
            return scope_statement(outside->sql(), scope);
        });
        joined_.after_commit([outside = outside_, name_space] { outside->said(name_space); });
    }
    if (may_need_zeros) {
        joined_.before_commit(kFill, id, [outside = outside_](auto) { return Statement(outside->sql().fill_vectors); });
    }
    joined_.before_commit(kEvict, id, [outside = outside_, own](std::span<const std::int64_t> ids) {
        return evict_after_puts(outside->caps(), std::vector<std::int64_t>(ids.begin(), ids.end()), own);
    });
    return {};
}

// The transaction makes them one.
std::vector<CacheGone> JoinedCacheStore::put_many(std::span<const NewEntry> entries, const OwnLimits& own,
                                                  Deadline deadline) {
    for (const NewEntry& entry : entries) put(entry, own, deadline);
    return {};
}

bool JoinedCacheStore::remove(const std::string& name_space, const std::string& hash, Deadline deadline) {
    return erase_by(Statement(sql_.erase, name_space, hash), name_space, hash, deadline);
}

bool JoinedCacheStore::remove_answer(const std::string& name_space, const std::string& hash,
                                     const std::string& response, Deadline deadline) {
    return erase_by(Statement(sql_.erase_answer, name_space, hash, response), name_space, hash, deadline);
}

bool JoinedCacheStore::erase_by(const Statement& statement, const std::string& name_space, const std::string& hash,
                                Deadline deadline) {
    const std::vector<Rows> rows = change(name_space, hash, {statement}, deadline);
    if (rows.back().affected() == 0) return false;
    changed(0, name_space, hash);
    return true;
}

// The counter first: an outside put holds it while it waits for the entry of its question.
std::size_t JoinedCacheStore::clear(const std::string& name_space, Deadline deadline) {
    const Statement batch[] = {Statement(sql_.hold_version), Statement(sql_.clear, name_space),
                               Statement(sql_.forget_scope, name_space)};
    const std::vector<Rows> rows = joined_.run(batch, deadline);
    raise_version(0);
    joined_.after_commit([outside = outside_, name_space] { outside->cleared(name_space); });
    return rows[1].affected();
}

std::size_t JoinedCacheStore::clear_all(Deadline deadline) {
    const Statement batch[] = {Statement(sql_.hold_version), Statement(caps_.clear_all), Statement(caps_.clear_scopes)};
    const std::vector<Rows> rows = joined_.run(batch, deadline);
    raise_version(0);
    joined_.after_commit([outside = outside_] { outside->cleared_all(); });
    return rows[1].affected();
}

std::vector<CacheGone> JoinedCacheStore::vacuum(const std::optional<std::string>& name_space,
                                                std::chrono::seconds spared, Deadline deadline) {
    std::vector<CacheGone> gone;
    const Statement batch[] = {Statement(sql_.hold_version), vacuum_statement(caps_, name_space, spared)};
    while (read_expired(joined_.run(batch, deadline)[1], gone) == kVacuumBatch) {
    }
    return gone;
}

std::vector<CacheEntry> JoinedCacheStore::list(const std::optional<std::string>& name_space,
                                               const CacheEntryFilter& filter, Deadline deadline) {
    return read_entries(caps_, name_space, filter, joined_, deadline);
}

std::vector<CacheNamespace> JoinedCacheStore::namespaces(Deadline deadline) {
    return read_namespaces(caps_, joined_, deadline);
}

StoreHealth JoinedCacheStore::health(Deadline deadline) {
    return read_health(caps_, joined_, deadline);
}

std::vector<CacheGone> JoinedCacheStore::set_limits(const std::optional<std::string>& tenant, const CacheQuota& quota,
                                                    Deadline deadline) {
    std::vector<Statement> batch = {Statement(sql_.hold_version)};
    for (Statement& statement : limit_statements(caps_, tenant, quota)) batch.push_back(std::move(statement));
    batch.push_back(evict_statement(caps_, tenant));
    std::vector<CacheGone> gone = read_gone(joined_.run(batch, deadline).back());
    raise_version(0);
    return gone;
}

bool JoinedCacheStore::remove_quota(const std::string& tenant, Deadline deadline) {
    return !joined_.query(Statement(caps_.remove_quota, tenant), deadline).empty();
}

std::map<std::string, CacheQuota> JoinedCacheStore::quotas(const std::optional<std::string>& tenant,
                                                           Deadline deadline) {
    return read_quotas(caps_, tenant, joined_, deadline);
}

CacheQuota JoinedCacheStore::limits(Deadline deadline) {
    return read_limits(caps_, joined_, deadline);
}

CacheRemoved JoinedCacheStore::remove_tagged(const std::string& tag, const Scope& scope, bool whole_tenant,
                                             Deadline deadline) {
    const auto removed = [this](std::string name_space, std::string hash) { changed(0, name_space, hash); };
    return stele::remove_tagged(caps_, Statement(sql_.hold_version), tag, scope, whole_tenant, joined_, deadline,
                                removed);
}

CacheRemoved JoinedCacheStore::remove_outdated(const std::optional<std::string>& name_space, Deadline deadline) {
    return stele::remove_outdated(caps_, Statement(sql_.hold_version), name_space, joined_, deadline);
}

// As the transaction sees them: what it has settled itself counts inside.
std::shared_ptr<const CachePolicies> JoinedCacheStore::policies(Deadline deadline) {
    return read_policies(caps_, joined_, deadline);
}

void JoinedCacheStore::set_policy(const std::string& tenant, const CachePolicy& policy, Deadline deadline) {
    joined_.after_commit([outside = outside_] { outside->policy_announced(); });
    joined_.execute(policy_statement(caps_, tenant, policy), deadline);
}

bool JoinedCacheStore::remove_policy(const std::string& tenant, Deadline deadline) {
    joined_.after_commit([outside = outside_] { outside->policy_announced(); });
    return !joined_.query(Statement(caps_.remove_policy, tenant), deadline).empty();
}

CacheTotals JoinedCacheStore::totals(const std::optional<std::string>& name_space, Deadline deadline) {
    CacheTotals totals = read_totals(sql_, caps_, name_space, joined_, deadline);
    const VectorMemory::Size size = outside_->index_size(name_space);
    totals.index_rows = size.rows;
    totals.index_bytes = size.bytes;
    totals.index_tombstones = size.tombstones;
    return totals;
}

}  // namespace stele
