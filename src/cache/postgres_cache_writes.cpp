// The half of PostgresCacheStore that changes what is stored.
#include <algorithm>
#include <deque>

#include "cache/cache_caps.hpp"
#include "cache/cache_statements.hpp"
#include "cache/postgres_cache_store.hpp"

namespace stele {
namespace {

/// Tells of a change when it is over, however it ended: it may have been made.
class Announced {
public:
    Announced(PostgresCacheStore& store, const std::string& name_space, const std::string& hash)
        : store_(store), name_space_(name_space), hash_(hash) {}
    Announced(const Announced&) = delete;
    Announced& operator=(const Announced&) = delete;
    ~Announced() { store_.changed(name_space_, hash_, transaction_); }
    void made_by(std::int64_t writer) noexcept { transaction_ = static_cast<std::uint64_t>(writer); }

private:
    PostgresCacheStore& store_;
    const std::string &name_space_, &hash_;
    std::uint64_t transaction_ = 0;
};

/// A process of mneme's locks an entry first and the counter's row then, so that it and a batch of ours may wait for
/// each other in a circle. The server breaks it by undoing one of them: ours is then simply made again.
template <class Work>
auto undeterred(const Work& work) {
    constexpr int kAttempts = 10;
    for (int attempt = 1;; ++attempt) {
        try {
            return work();
        } catch (const Error& error) {
            if (error.code() != ErrorCode::serialization || attempt == kAttempts) throw;
        }
    }
}

std::vector<Rows> run_undeterred(Database& database, std::span<const Statement> batch, Deadline deadline) {
    return undeterred([&] { return database.run(batch, deadline); });
}

}  // namespace

std::vector<CacheGone> PostgresCacheStore::put(const NewEntry& entry, const OwnLimits& own, Deadline deadline) {
    if (entry.attaches()) return put_many({&entry, 1}, own, deadline);
    const std::string& name_space = entry.scope.stored_namespace();
    Announced announced(*this, name_space, entry.hash);
    VectorMemory::Put put(memory_, name_space, entry.hash);
    const std::int64_t lock = lock_key(database_.schema(), name_space, entry.hash);
    Statement write = put_statement(sql_, entry, lock, made_in(entry, epoch()), &own);
    write.group_commit(entry_key(name_space, entry.hash)).merged_as(sql_.put_many);
    const bool new_scope = is_new(entry.scope);
    std::optional<Rows> rows;
    if (!new_scope) rows = put_with_others(write, deadline);
    if (!rows) {
        // A transaction may have put the same question and be open for long. That is to be waited for before the
        // counter's row is held, for which all others wait.
        std::vector<Statement> batch = {Statement(sql_.lock_question, lock)};
        if (new_scope) batch.push_back(scope_statement(sql_, entry.scope));
        batch.push_back(write);
        rows = run_undeterred(database_, batch, deadline).back();
        if (new_scope) said(name_space);
    }
    const Row row = (*rows)[0];
    if (const auto refused = row.find<std::string_view>("refused_for")) {
        if (*refused == "epoch") refuse_epoch();
        entry.claim->replaced = true;  // somebody else has the claim
    } else {
        announced.made_by(row.get<std::int64_t>("writer"));
        put.stored(row.get<std::int64_t>("id"), row.get<std::int64_t>("writer"), entry.unit);
    }
    return read_gone(*rows);
}

// Nothing: another transaction holds the question, or the counter, and is not to be waited for, or they met in a circle
// again and again.
std::optional<Rows> PostgresCacheStore::put_with_others(const Statement& write, Deadline deadline) {
    constexpr std::string_view kLockNotAvailable = "55P03";
    try {
        Rows rows = database_.query(write, deadline);
        if (rows[0].find<std::string_view>("refused_for") == "busy") return std::nullopt;
        return rows;
    } catch (const Error& error) {
        if (error.sqlstate() != kLockNotAvailable && error.code() != ErrorCode::serialization) throw;
        return std::nullopt;
    }
}

// The questions in the order of their locks, so that two of these never wait for each other. Locks are few in a server.
std::vector<CacheGone> PostgresCacheStore::put_many(std::span<const NewEntry> entries, const OwnLimits& own,
                                                    Deadline deadline) {
    if (entries.empty()) return {};
    constexpr std::size_t kMostLocks = 64;
    const Scope& scope = entries.front().scope;
    const std::string& name_space = scope.stored_namespace();
    const bool new_scope = is_new(scope);
    std::vector<std::int64_t> locks;
    for (const NewEntry& entry : entries) locks.push_back(lock_key(database_.schema(), name_space, entry.hash));
    std::sort(locks.begin(), locks.end());
    locks.resize(std::min(locks.size(), kMostLocks));
    std::vector<Statement> batch;
    for (const std::int64_t lock : locks) batch.emplace_back(sql_.lock_question, lock);
    if (new_scope) batch.push_back(scope_statement(sql_, scope));
    // the statement raises it by one
    if (entries.size() > 1) batch.emplace_back(sql_.raise_version, static_cast<std::int64_t>(entries.size()) - 1);
    // one without a vector goes with the others: all are stored, or none is
    std::optional<std::int64_t> made_in;
    for (const NewEntry& entry : entries) {
        if (!entry.unit.empty()) made_in = epoch();
    }
    std::vector<Statement> writes;
    std::deque<Announced> announced;
    std::deque<VectorMemory::Put> puts;
    for (const NewEntry& entry : entries) {
        writes.push_back(put_statement(sql_, entry, std::nullopt, made_in, &own));
        announced.emplace_back(*this, name_space, entry.hash);
        puts.emplace_back(memory_, name_space, entry.hash);
    }
    batch.push_back(put_together(sql_, entries, std::move(writes)));
    const Rows rows = run_undeterred(database_, batch, deadline).back();
    if (new_scope) said(name_space);
    for (const Row& row : rows) {
        const auto place = static_cast<std::size_t>(row.get<std::int32_t>("place")) - 1;
        if (const auto refused = row.find<std::string_view>("refused_for")) {
            if (*refused == "epoch") refuse_epoch();
            entries[place].claim->replaced = true;  // somebody else has the claim
        } else if (const auto id = row.find<std::int64_t>("id")) {
            announced[place].made_by(row.get<std::int64_t>("writer"));
            puts[place].stored(*id, row.get<std::int64_t>("writer"), entries[place].unit);
        }
    }
    return read_gone(rows);
}

bool PostgresCacheStore::remove(const std::string& name_space, const std::string& hash, Deadline deadline) {
    return remove_by(Statement(sql_.remove, name_space, hash), name_space, hash, deadline);
}

bool PostgresCacheStore::remove_answer(const std::string& name_space, const std::string& hash,
                                       const std::string& response, Deadline deadline) {
    return remove_by(Statement(sql_.remove_answer, name_space, hash, response), name_space, hash, deadline);
}

bool PostgresCacheStore::remove_by(const Statement& statement, const std::string& name_space, const std::string& hash,
                                   Deadline deadline) {
    // the question and the counter's row first, as put does, so that the two never wait for each other in a circle
    const Statement batch[] = {lock_question(name_space, hash), Statement(sql_.hold_version), statement};
    const Announced announced(*this, name_space, hash);
    return !run_undeterred(database_, batch, deadline)[2].empty();
}

std::size_t PostgresCacheStore::clear(const std::string& name_space, Deadline deadline) {
    const Statement batch[] = {Statement(sql_.hold_version), Statement(sql_.clear, name_space),
                               Statement(sql_.forget_scope, name_space), Statement(sql_.raise_version, kRebuildStep)};
    const std::vector<Rows> rows = run_undeterred(database_, batch, deadline);
    cleared(name_space);
    return rows[1].affected();
}

std::size_t PostgresCacheStore::clear_all(Deadline deadline) {
    const Statement batch[] = {Statement(sql_.hold_version), Statement(caps_.clear_all), Statement(caps_.clear_scopes),
                               Statement(sql_.raise_version, kRebuildStep)};
    const std::vector<Rows> rows = run_undeterred(database_, batch, deadline);
    cleared_all();
    return rows[1].affected();
}

std::vector<CacheGone> PostgresCacheStore::vacuum(const std::optional<std::string>& name_space,
                                                  std::chrono::seconds spared, Deadline deadline) {
    std::vector<CacheGone> gone;
    const Statement batch[] = {Statement(sql_.hold_version), vacuum_statement(caps_, name_space, spared)};
    while (read_expired(run_undeterred(database_, batch, deadline)[1], gone) == kVacuumBatch) {
    }
    const Statement tidy[] = {Statement(claims_.sql().forget), Statement(sql_.hold_version),
                              Statement(caps_.fold_sizes), Statement(caps_.drop_empty)};
    database_.run(tidy, deadline);
    return gone;
}

// The counter is raised for what may go; it also keeps puts out until that is gone.
std::vector<CacheGone> PostgresCacheStore::set_limits(const std::optional<std::string>& tenant, const CacheQuota& quota,
                                                      Deadline deadline) {
    std::vector<Statement> batch = {Statement(sql_.raise_version, std::int64_t{1})};
    for (Statement& statement : limit_statements(caps_, tenant, quota)) batch.push_back(std::move(statement));
    batch.push_back(evict_statement(caps_, tenant));
    return read_gone(run_undeterred(database_, batch, deadline).back());
}

CacheRemoved PostgresCacheStore::remove_tagged(const std::string& tag, const Scope& scope, bool whole_tenant,
                                               Deadline deadline) {
    std::vector<Change> changes;
    const auto removed = [&changes](std::string name_space, std::string hash) {
        changes.push_back({std::string(kStore), std::move(name_space), std::move(hash)});
    };
    CacheRemoved counts = undeterred([&] {
        return stele::remove_tagged(caps_, Statement(sql_.hold_version), tag, scope, whole_tenant, database_, deadline,
                                    removed);
    });
    follower_.announce(changes);
    return counts;
}

CacheRemoved PostgresCacheStore::remove_outdated(const std::optional<std::string>& name_space, Deadline deadline) {
    return stele::remove_outdated(caps_, Statement(sql_.hold_version), name_space, database_, deadline);
}

void PostgresCacheStore::set_policy(const std::string& tenant, const CachePolicy& policy, Deadline deadline) {
    database_.execute(policy_statement(caps_, tenant, policy), deadline);
    policy_announced();
}

bool PostgresCacheStore::remove_policy(const std::string& tenant, Deadline deadline) {
    const bool removed = !database_.query(Statement(caps_.remove_policy, tenant), deadline).empty();
    policy_announced();
    return removed;
}

void PostgresCacheStore::policy_announced() {
    const Change all{std::string(kPolicies), std::nullopt, std::nullopt};
    follower_.announce({&all, 1});
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
    {
        MutexLock lock(scopes_mutex_);
        known_scopes_.erase(name_space);
    }
    const Change all{std::string(kStore), name_space, std::nullopt};
    follower_.announce({&all, 1});
}

void PostgresCacheStore::cleared_all() {
    {
        MutexLock lock(scopes_mutex_);
        known_scopes_.clear();
    }
    const Change all{std::string(kStore), std::nullopt, std::nullopt};
    follower_.announce({&all, 1});
}

void PostgresCacheStore::said(const std::string& name_space) {
    MutexLock lock(scopes_mutex_);
    known_scopes_.insert(name_space);
}

bool PostgresCacheStore::remove_quota(const std::string& tenant, Deadline deadline) {
    return !database_.query(Statement(caps_.remove_quota, tenant), deadline).empty();
}

}  // namespace stele
