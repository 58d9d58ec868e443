// Answers in the tables, with their vectors in memory.
#pragma once

#include <atomic>
#include <memory>
#include <set>
#include <string>

#include "base/mutex.hpp"
#include "cache/cache_store.hpp"
#include "cache/caps_sql.hpp"
#include "cache/vector_memory.hpp"
#include "stele/database.hpp"

namespace stele {

class PostgresCacheStore final : public CacheStore, public std::enable_shared_from_this<PostgresCacheStore> {
public:
    explicit PostgresCacheStore(Database database)
        : database_(std::move(database)), sql_(database_.quoted_schema()), caps_(database_.quoted_schema()) {}

    std::size_t dimension() const noexcept override;
    CacheSettings look(Deadline deadline) override { return look({}, deadline); }
    CacheSettings claim(const std::optional<std::string>& fingerprint, std::size_t length, Deadline deadline) override;
    GetOutcome get(const GetRequest& request, const std::function<float()>& threshold, Embedder* embedder,
                   Deadline deadline) override;
    std::vector<CacheGone> put(const NewEntry& entry, const OwnLimits& own, Deadline deadline) override;
    bool remove(const std::string& name_space, const std::string& hash, Deadline deadline) override;
    std::size_t clear(const std::string& name_space, Deadline deadline) override;
    std::size_t clear_all(Deadline deadline) override;
    std::vector<CacheGone> vacuum(const std::optional<std::string>& name_space, Deadline deadline) override;
    std::vector<CacheEntry> list(const std::optional<std::string>& name_space, const CacheEntryFilter& filter,
                                 Deadline deadline) override;
    std::vector<CacheNamespace> namespaces(Deadline deadline) override;
    StoreHealth health(Deadline deadline) override;
    std::vector<CacheGone> set_limits(const std::optional<std::string>& tenant, const CacheQuota& quota,
                                      Deadline deadline) override;
    bool remove_quota(const std::string& tenant, Deadline deadline) override;
    std::map<std::string, CacheQuota> quotas(const std::optional<std::string>& tenant, Deadline deadline) override;
    CacheQuota limits(Deadline deadline) override;
    CacheTotals totals(const std::optional<std::string>& name_space, Deadline deadline) override;
    void save(const Counters::Batch& batch, Deadline deadline) override;

    std::unique_ptr<CacheStore> join(Transaction& transaction) override;
    std::unique_ptr<CacheStore> join(Savepoint& savepoint) override;

    std::shared_ptr<const CacheStore> outside() const override { return shared_from_this(); }
    std::string_view kind() const noexcept override { return "postgres"; }
    std::string describe() const override;
    Deadline default_deadline() const override { return Deadline::after(database_.options().call_timeout); }
    void log(LogLevel level, const std::string& message) const noexcept override;

    // for the part in a transaction
    const Database& database() const noexcept { return database_; }
    const CacheSql& sql() const noexcept { return sql_; }
    const CapsSql& caps() const noexcept { return caps_; }
    VectorMemory* memory() const noexcept { return memory_; }
    VectorMemory::Size index_size(const std::optional<std::string>& name_space) const;
    Statement lock_question(const std::string& name_space, const std::string& hash) const;
    /// Whether the tables may not say yet what the scope stands for.
    bool is_new(const Scope& scope) const STELE_EXCLUDES(scopes_mutex_);
    void said(const std::string& name_space) STELE_EXCLUDES(scopes_mutex_);
    /// The scope was cleared: its vectors are read anew, and what it stands for is said again.
    void cleared(const std::string& name_space) STELE_EXCLUDES(scopes_mutex_);
    void cleared_all() STELE_EXCLUDES(scopes_mutex_);

private:
    CacheSettings look(std::vector<Statement> first, Deadline deadline) STELE_EXCLUDES(learning_);

    Database database_;
    const CacheSql sql_;
    const CapsSql caps_;
    Mutex learning_;
    std::unique_ptr<VectorMemory> memory_owner_ STELE_GUARDED_BY(learning_);
    std::atomic<VectorMemory*> memory_{nullptr};  // null: how long the tables' vectors are is not known yet
    mutable Mutex scopes_mutex_;
    std::set<std::string> known_scopes_ STELE_GUARDED_BY(scopes_mutex_);
};

}  // namespace stele
