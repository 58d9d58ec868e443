#include "cache/postgres_cache_store.hpp"

#include <fmt/format.h>

#include <cstdlib>

#include "cache/cache_caps.hpp"
#include "cache/cache_statements.hpp"
#include "cache/entry_vector.hpp"
#include "cache/joined_cache_store.hpp"
#include "postgres/database_impl.hpp"

namespace stele {

std::size_t PostgresCacheStore::dimension() const noexcept {
    const VectorMemory* const memory = memory_;
    return memory == nullptr ? 0 : memory->dimension();
}

// Reads what the tables' vectors are, after other statements; once their length is known, they can be kept in memory.
CacheSettings PostgresCacheStore::look(std::vector<Statement> first, Deadline deadline) {
    first.push_back(Statement(sql_.settings).repeatable());
    first.push_back(Statement(sql_.position).repeatable());
    const std::vector<Rows> rows = database_.run(first, deadline);
    CacheSettings settings;
    for (const Row& row : rows[rows.size() - 2]) {
        const bool of_dimension = row.get<std::string_view>("key") == "embedder_dim";
        (of_dimension ? settings.dimension : settings.fingerprint) = row.get<std::string>("value");
    }
    const std::size_t dimension = settings.dimension ? std::strtoull(settings.dimension->c_str(), nullptr, 10) : 0;
    MutexLock lock(learning_);
    if (dimension != 0 && !memory_owner_) {
        memory_owner_ = std::make_unique<VectorMemory>(sql_, dimension, TablePosition::read(rows.back()[0]));
        memory_ = memory_owner_.get();
    }
    return settings;
}

// The counter's row keeps other claims, and puts, out until all of it is done.
CacheSettings PostgresCacheStore::claim(const std::optional<std::string>& fingerprint, std::size_t length,
                                        Deadline deadline) {
    return look({Statement(sql_.hold_version).repeatable(),
                 Statement(sql_.claim, fingerprint, std::to_string(length)).repeatable(),
                 Statement(sql_.fill_vectors).repeatable()},
                deadline);
}

GetOutcome PostgresCacheStore::get(const GetRequest& request, const std::function<float()>& threshold,
                                   Embedder* embedder, Deadline deadline) {
    Neighbours neighbours;
    if (request.by_meaning) {
        VectorMemory* const memory = memory_;
        neighbours.threshold = threshold;
        neighbours.observe = [=, this, before = memory->mark()](std::int64_t version) {
            memory->observe(before, version, database_, deadline);
        };
        neighbours.search = [&, memory](std::span<const float> unit, std::size_t k, float min_score) {
            return memory->search(request.name_space, unit, k, min_score, database_, deadline);
        };
        neighbours.forget = [&, memory](std::int64_t id) { memory->forget(request.name_space, id); };
        neighbours.distrust = [memory] { memory->distrust(); };
        neighbours.check = [memory](std::vector<float> vector) {
            return checked_vector(std::move(vector), memory->dimension());
        };
    }
    return drive(get_operation(sql_, request, neighbours), database_, embedder, deadline);
}

std::vector<CacheGone> PostgresCacheStore::put(const NewEntry& entry, const OwnLimits& own, Deadline deadline) {
    const std::string& name_space = entry.scope.stored_namespace();
    const bool new_scope = is_new(entry.scope);
    std::vector<Statement> batch;
    // A transaction may have put the same question and be open for long. That is to be waited for before the counter's
    // row is held, for which all others wait.
    batch.push_back(lock_question(name_space, entry.hash));
    if (new_scope) batch.push_back(scope_statement(sql_, entry.scope));
    batch.emplace_back(sql_.raise_version, std::int64_t{1});
    batch.push_back(upsert_statement(sql_, entry));
    // whoever held the counter's row before has committed, so this sees all entries that there are
    batch.push_back(evict_after_put(caps_, entry, own));
    VectorMemory* const memory = memory_;
    const VectorMemory::Mark before = memory == nullptr ? VectorMemory::Mark{} : memory->mark();
    const std::vector<Rows> rows = database_.run(batch, deadline);
    if (new_scope) said(name_space);
    if (memory != nullptr) {
        const Row row = rows[rows.size() - 2][0];
        memory->stored(before, name_space, row.get<std::int64_t>("id"),
                       {.question = question_tag(entry.hash),
                        .writer = row.get<std::int64_t>("writer"),
                        .version = rows[rows.size() - 3][0].get<std::int64_t>("version")},
                       entry.unit);
    }
    return read_gone(rows.back());
}

bool PostgresCacheStore::remove(const std::string& name_space, const std::string& hash, Deadline deadline) {
    // the question and the counter's row first, as put does, so that the two never wait for each other in a circle
    const Statement batch[] = {lock_question(name_space, hash), Statement(sql_.hold_version),
                               Statement(sql_.remove, name_space, hash)};
    VectorMemory* const memory = memory_;
    const VectorMemory::Mark before = memory == nullptr ? VectorMemory::Mark{} : memory->mark();
    const std::vector<Rows> rows = database_.run(batch, deadline);
    if (rows[2].empty()) return false;
    // without the counter's row nobody can be told; searches find the row gone
    const auto version = rows[2][0].find<std::int64_t>("version");
    if (memory != nullptr && version) {
        memory->removed(before, name_space, rows[2][0].get<std::int64_t>("id"), *version);
    }
    return true;
}

std::size_t PostgresCacheStore::clear(const std::string& name_space, Deadline deadline) {
    const Statement batch[] = {Statement(sql_.hold_version), Statement(sql_.clear, name_space),
                               Statement(sql_.forget_scope, name_space), Statement(sql_.raise_version, kRebuildStep)};
    const std::vector<Rows> rows = database_.run(batch, deadline);
    cleared(name_space);
    return rows[1].affected();
}

std::size_t PostgresCacheStore::clear_all(Deadline deadline) {
    const Statement batch[] = {Statement(sql_.hold_version), Statement(caps_.clear_all), Statement(caps_.clear_scopes),
                               Statement(sql_.raise_version, kRebuildStep)};
    const std::vector<Rows> rows = database_.run(batch, deadline);
    cleared_all();
    return rows[1].affected();
}

std::vector<CacheGone> PostgresCacheStore::vacuum(const std::optional<std::string>& name_space, Deadline deadline) {
    std::vector<CacheGone> gone;
    const Statement batch[] = {Statement(sql_.hold_version), Statement(caps_.vacuum, name_space, kVacuumBatch)};
    while (read_expired(database_.run(batch, deadline)[1], gone) == kVacuumBatch) {
    }
    const Statement tidy[] = {Statement(sql_.hold_version), Statement(caps_.fold_sizes), Statement(caps_.drop_empty)};
    database_.run(tidy, deadline);
    return gone;
}

std::vector<CacheEntry> PostgresCacheStore::list(const std::optional<std::string>& name_space,
                                                 const CacheEntryFilter& filter, Deadline deadline) {
    return read_entries(caps_, name_space, filter, database_, deadline);
}

std::vector<CacheNamespace> PostgresCacheStore::namespaces(Deadline deadline) {
    return read_namespaces(caps_, database_, deadline);
}

StoreHealth PostgresCacheStore::health(Deadline deadline) {
    return read_health(caps_, database_, deadline);
}

// The counter is raised for what may go; it also keeps puts out until that is gone.
std::vector<CacheGone> PostgresCacheStore::set_limits(const std::optional<std::string>& tenant, const CacheQuota& quota,
                                                      Deadline deadline) {
    std::vector<Statement> batch = {Statement(sql_.raise_version, std::int64_t{1})};
    for (Statement& statement : limit_statements(caps_, tenant, quota)) batch.push_back(std::move(statement));
    batch.push_back(evict_statement(caps_, tenant));
    return read_gone(database_.run(batch, deadline).back());
}

bool PostgresCacheStore::remove_quota(const std::string& tenant, Deadline deadline) {
    return !database_.query(Statement(caps_.remove_quota, tenant), deadline).empty();
}

std::map<std::string, CacheQuota> PostgresCacheStore::quotas(const std::optional<std::string>& tenant,
                                                             Deadline deadline) {
    return read_quotas(caps_, tenant, database_, deadline);
}

CacheQuota PostgresCacheStore::limits(Deadline deadline) {
    return read_limits(caps_, database_, deadline);
}

CacheTotals PostgresCacheStore::totals(const std::optional<std::string>& name_space, Deadline deadline) {
    CacheTotals totals = read_totals(sql_, caps_, name_space, database_, deadline);
    const VectorMemory::Size size = index_size(name_space);
    totals.index_rows = size.rows;
    totals.index_bytes = size.bytes;
    return totals;
}

void PostgresCacheStore::save(const Counters::Batch& batch, Deadline deadline) {
    database_.execute(Statement(sql_.add_counters, batch.namespaces, batch.names, batch.values), deadline);
}

std::unique_ptr<CacheStore> PostgresCacheStore::join(Transaction& transaction) {
    return std::make_unique<JoinedCacheStore>(shared_from_this(), JoinedTransaction(transaction, database_));
}

std::unique_ptr<CacheStore> PostgresCacheStore::join(Savepoint& savepoint) {
    return std::make_unique<JoinedCacheStore>(shared_from_this(), JoinedTransaction(savepoint, database_));
}

std::string PostgresCacheStore::describe() const {
    return fmt::format("{} (schema {})", database_.describe(), database_.schema());
}

void PostgresCacheStore::log(LogLevel level, const std::string& message) const noexcept {
    database_.impl().log(level, message);
}

VectorMemory::Size PostgresCacheStore::index_size(const std::optional<std::string>& name_space) const {
    const VectorMemory* const memory = memory_;
    if (memory == nullptr) return {};
    return name_space ? memory->size(*name_space) : memory->size();
}

Statement PostgresCacheStore::lock_question(const std::string& name_space, const std::string& hash) const {
    return Statement(sql_.lock_question, lock_key(database_.schema(), name_space, hash));
}

bool PostgresCacheStore::is_new(const Scope& scope) const {
    if (scope.attributes().empty()) return false;
    MutexLock lock(scopes_mutex_);
    return !known_scopes_.contains(scope.stored_namespace());
}

void PostgresCacheStore::cleared(const std::string& name_space) {
    if (VectorMemory* const memory = memory_) memory->distrust();
    MutexLock lock(scopes_mutex_);
    known_scopes_.erase(name_space);
}

void PostgresCacheStore::cleared_all() {
    if (VectorMemory* const memory = memory_) memory->distrust();
    MutexLock lock(scopes_mutex_);
    known_scopes_.clear();
}

void PostgresCacheStore::said(const std::string& name_space) {
    MutexLock lock(scopes_mutex_);
    known_scopes_.insert(name_space);
}

}  // namespace stele
