// Answers as one transaction sees and changes them.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "cache/cache_store.hpp"
#include "cache/joined_vectors.hpp"
#include "cache/postgres_cache_store.hpp"
#include "postgres/joined_transaction.hpp"

namespace stele {

/// Nothing that it does reaches this process's memory before the commit: then it is told what to read again. One thread
/// at a time, as the transaction.
class JoinedCacheStore final : public CacheStore {
public:
    JoinedCacheStore(std::shared_ptr<PostgresCacheStore> outside, JoinedTransaction joined)
        : outside_(std::move(outside)), sql_(outside_->sql()), caps_(outside_->caps()), joined_(std::move(joined)) {}

    std::size_t dimension() const noexcept override { return outside_->dimension(); }
    CacheSettings look(Deadline) override { return {}; }
    CacheSettings claim(const std::optional<std::string>& fingerprint, std::size_t length, Deadline deadline) override;
    void follow(const Embedder* embedder, Deadline deadline) override { outside_->follow(embedder, deadline); }
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
    // What is in memory is no part of the transaction.
    std::size_t compact(const std::optional<std::string>& name_space, Deadline deadline) override {
        return outside_->compact(name_space, deadline);
    }
    void set_vector_format(VectorFormat format) override { outside_->set_vector_format(format); }
    VectorFormat vector_format() const noexcept override { return outside_->vector_format(); }
    bool has_graph() const override { return outside_->has_graph(); }
    std::vector<CacheGone> set_limits(const std::optional<std::string>& tenant, const CacheQuota& quota,
                                      Deadline deadline) override;
    bool remove_quota(const std::string& tenant, Deadline deadline) override;
    std::map<std::string, CacheQuota> quotas(const std::optional<std::string>& tenant, Deadline deadline) override;
    CacheQuota limits(Deadline deadline) override;
    std::shared_ptr<const CachePolicies> policies(Deadline deadline) override;
    void set_policy(const std::string& tenant, const CachePolicy& policy, Deadline deadline) override;
    bool remove_policy(const std::string& tenant, Deadline deadline) override;
    CacheTotals totals(const std::optional<std::string>& name_space, Deadline deadline) override;
    void save(const Counters::Batch&, Deadline) override {}

    void when_kept(std::function<void()> run) override { joined_.after_commit(std::move(run)); }
    bool in_transaction() const noexcept override { return true; }

    std::shared_ptr<const CacheStore> outside() const override { return outside_; }
    std::string_view kind() const noexcept override { return outside_->kind(); }
    std::string describe() const override { return outside_->describe(); }
    Deadline default_deadline() const override { return outside_->default_deadline(); }
    void log(LogLevel level, const std::string& message) const noexcept override { outside_->log(level, message); }

private:
    Neighbours neighbours(const std::string& name_space, const std::function<float()>& threshold, Deadline deadline);
    void note_access(const GetRequest& request, const GetOutcome& outcome);
    /// `statements` after what they wait for; their answers only.
    std::vector<Rows> change(const std::string& name_space, const std::string& hash, std::vector<Statement> statements,
                             Deadline deadline);
    bool erase_by(const Statement& statement, const std::string& name_space, const std::string& hash,
                  Deadline deadline);
    void changed(std::int64_t id, const std::string& name_space, const std::string& hash);
    void raise_version(std::int64_t id);

    const std::shared_ptr<PostgresCacheStore> outside_;
    const CacheSql& sql_;
    const CapsSql& caps_;
    JoinedTransaction joined_;
    std::optional<JoinedVectors> vectors_;
    std::size_t locks_ = 0;  // taken by way of this
};

}  // namespace stele
