// Answers in the tables; in memory their vectors, and those that were asked for.
#pragma once

#include <atomic>
#include <memory>
#include <set>
#include <string>

#include "base/mutex.hpp"
#include "cache/access_writer.hpp"
#include "cache/cache_store.hpp"
#include "cache/caps_sql.hpp"
#include "cache/local_answers.hpp"
#include "cache/once/postgres_claims.hpp"
#include "cache/vector_files.hpp"
#include "cache/vector_memory.hpp"
#include "postgres/change_follower.hpp"
#include "stele/database.hpp"

namespace stele {

class PostgresCacheStore final : public CacheStore,
                                 public std::enable_shared_from_this<PostgresCacheStore>,
                                 ChangeListener {
public:
    PostgresCacheStore(Database database, const SemanticCacheOptions& options);

    std::size_t dimension() const noexcept override;
    CacheSettings look(Deadline deadline) override { return look({}, deadline); }
    CacheSettings claim(const std::optional<std::string>& fingerprint, std::size_t length, Deadline deadline) override;
    void follow(const Embedder* embedder, Deadline deadline) override;
    GetOutcome get(const GetRequest& request, const std::function<float()>& threshold, Embedder* embedder,
                   Deadline deadline) override;
    std::vector<GetOutcome> get_exact(std::span<GetRequest> requests, Deadline deadline) override;
    std::vector<GetOutcome> get_alike(std::span<const KnownRequest> requests, const std::function<float()>& threshold,
                                      Embedder* embedder, Deadline deadline) override;
    std::vector<CacheGone> put(const NewEntry& entry, const OwnLimits& own, Deadline deadline) override;
    std::vector<CacheGone> put_many(std::span<const NewEntry> entries, const OwnLimits& own,
                                    Deadline deadline) override;
    bool remove(const std::string& name_space, const std::string& hash, Deadline deadline) override;
    bool remove_answer(const std::string& name_space, const std::string& hash, const std::string& response,
                       Deadline deadline) override;
    CacheRemoved remove_tagged(const std::string& tag, const Scope& scope, bool whole_tenant,
                               Deadline deadline) override;
    CacheRemoved remove_outdated(const std::optional<std::string>& name_space, Deadline deadline) override;
    std::size_t clear(const std::string& name_space, Deadline deadline) override;
    std::size_t clear_all(Deadline deadline) override;
    std::vector<CacheGone> vacuum(const std::optional<std::string>& name_space, std::chrono::seconds spared,
                                  Deadline deadline) override;
    std::vector<CacheEntry> list(const std::optional<std::string>& name_space, const CacheEntryFilter& filter,
                                 Deadline deadline) override;
    std::vector<CacheNamespace> namespaces(Deadline deadline) override;
    StoreHealth health(Deadline deadline) override;
    std::size_t compact(const std::optional<std::string>& name_space, Deadline deadline) override;
    void set_vector_format(VectorFormat format) override STELE_EXCLUDES(learning_);
    VectorFormat vector_format() const noexcept override { return format_; }
    std::vector<CacheGone> set_limits(const std::optional<std::string>& tenant, const CacheQuota& quota,
                                      Deadline deadline) override;
    bool remove_quota(const std::string& tenant, Deadline deadline) override;
    std::map<std::string, CacheQuota> quotas(const std::optional<std::string>& tenant, Deadline deadline) override;
    CacheQuota limits(Deadline deadline) override;
    std::shared_ptr<const CachePolicies> policies(Deadline deadline) override;
    std::shared_ptr<const CachePolicies> known_policies(Deadline deadline) override;
    void set_policy(const std::string& tenant, const CachePolicy& policy, Deadline deadline) override;
    bool remove_policy(const std::string& tenant, Deadline deadline) override;
    CacheTotals totals(const std::optional<std::string>& name_space, Deadline deadline) override;
    void save(const Counters::Batch& batch, Deadline deadline) override;
    void flush(Deadline deadline) override STELE_EXCLUDES(learning_);
    Claims* claims() noexcept override { return &claims_; }

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
    bool has_graph() const override {
        const VectorMemory* const memory = memory_;
        return memory != nullptr && memory->has_graph();
    }
    /// Of the vectors that are in memory, and of those that may be put.
    std::int64_t epoch() const noexcept { return epoch_; }
    /// Error(fingerprint_mismatch).
    [[noreturn]] void refuse_epoch();
    VectorMemory::Size index_size(const std::optional<std::string>& name_space) const;
    Statement lock_question(const std::string& name_space, const std::string& hash) const;
    /// Whether the tables may not say yet what the scope stands for.
    bool is_new(const Scope& scope) const STELE_EXCLUDES(scopes_mutex_);
    void said(const std::string& name_space) STELE_EXCLUDES(scopes_mutex_);
    /// A transaction (0: not known) that is committed has changed the entry of this question.
    void changed(const std::string& name_space, const std::string& hash, std::uint64_t transaction) noexcept;
    /// The scope was cleared: it is read anew, and what it stands for is said again.
    void cleared(const std::string& name_space) STELE_EXCLUDES(scopes_mutex_);
    void cleared_all() STELE_EXCLUDES(scopes_mutex_);
    /// A policy was changed.
    void policy_announced();
    /// An entry was answered.
    void accessed(std::int64_t id) noexcept;

private:
    /// As the change log calls it.
    static constexpr std::string_view kStore = "cache", kPolicies = "policies";

    void changed(std::span<const Change> changes) noexcept override;
    void all_changed() noexcept override;
    Neighbours neighbours(const std::string& name_space, const std::function<float()>& threshold,
                          const Embedder* embedder, Deadline deadline);
    void note_access(const GetRequest& request, const GetOutcome& outcome, Deadline deadline);
    void policies_changed() noexcept;
    std::optional<Hit> find_exact(const GetRequest& request, Exact& known, Deadline deadline);
    std::optional<Rows> put_with_others(const Statement& write, Deadline deadline);
    CacheSettings look(std::vector<Statement> first, Deadline deadline) STELE_EXCLUDES(learning_);
    /// `statement`: sql().remove, or the like.
    bool remove_by(const Statement& statement, const std::string& name_space, const std::string& hash,
                   Deadline deadline);

    Database database_;
    const CacheSql sql_;
    const CapsSql caps_;
    PostgresClaims claims_;
    const AccessTimes access_times_;
    AccessWriter accesses_;
    LocalAnswers local_;
    LoadingCache<CachePolicies> policies_;  // one value
    std::atomic<VectorFormat> format_;
    const std::size_t index_bytes_;
    const IndexBackend index_backend_;
    const GraphOptions graph_;
    Mutex learning_;
    std::unique_ptr<VectorMemory> memory_owner_ STELE_GUARDED_BY(learning_);
    std::atomic<std::int64_t> epoch_{0};
    std::atomic<bool> opened_{false};        // the epoch was learnt
    std::atomic<bool> doubts_epoch_{false};  // it may be another by now
    const std::filesystem::path snapshot_;
    std::unique_ptr<VectorFiles> files_owner_ STELE_GUARDED_BY(learning_);
    std::atomic<VectorFiles*> files_{nullptr};    // null: no vectors are kept in files
    std::atomic<VectorMemory*> memory_{nullptr};  // null: how long the tables' vectors are is not known yet
    mutable Mutex scopes_mutex_;
    std::set<std::string> known_scopes_ STELE_GUARDED_BY(scopes_mutex_);
    ChangeFollower& follower_;
    const ChangeFollower::Subscription subscription_;  // the last: what it is told changes the others
};

}  // namespace stele
