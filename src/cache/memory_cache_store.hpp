// Answers in memory only, for the twin.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/memory_database_impl.hpp"
#include "cache/cache_store.hpp"
#include "cache/once/claims.hpp"
#include "vectors/flat_index.hpp"

namespace stele {

class MemoryCacheStore final : public CacheStore, Claims, public std::enable_shared_from_this<MemoryCacheStore> {
public:
    MemoryCacheStore(MemoryDatabase database, const SemanticCacheOptions& options);

    std::size_t dimension() const noexcept override;
    CacheSettings look(Deadline deadline) override;
    CacheSettings claim(const std::optional<std::string>& fingerprint, std::size_t length, Deadline deadline) override;
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
    void set_vector_format(VectorFormat format) override { format_ = format; }
    VectorFormat vector_format() const noexcept override { return format_; }
    bool has_graph() const override { return false; }
    std::vector<CacheGone> set_limits(const std::optional<std::string>& tenant, const CacheQuota& quota,
                                      Deadline deadline) override;
    bool remove_quota(const std::string& tenant, Deadline deadline) override;
    std::map<std::string, CacheQuota> quotas(const std::optional<std::string>& tenant, Deadline deadline) override;
    CacheQuota limits(Deadline deadline) override;
    std::shared_ptr<const CachePolicies> policies(Deadline deadline) override;
    void set_policy(const std::string& tenant, const CachePolicy& policy, Deadline deadline) override;
    bool remove_policy(const std::string& tenant, Deadline deadline) override;
    CacheTotals totals(const std::optional<std::string>& name_space, Deadline deadline) override;
    void save(const Counters::Batch& batch, Deadline deadline) override;
    Claims* claims() noexcept override { return this; }

    std::shared_ptr<const CacheStore> outside() const override { return shared_from_this(); }
    std::string_view kind() const noexcept override { return "memory"; }
    std::string describe() const override { return "this MemoryDatabase"; }
    Deadline default_deadline() const override { return Deadline::never(); }
    void log(LogLevel, const std::string&) const noexcept override {}

private:
    struct Entry {
        std::string hash, query, response;
        Json metadata;
        std::chrono::sys_seconds created;
        std::optional<std::chrono::seconds> ttl;
        std::chrono::sys_seconds last_access;
        std::int64_t access_count = 0;
        std::int64_t bytes = 0;
        std::vector<float> unit{};             // empty: it has none
        std::vector<std::string> tags{};       // sorted
        std::vector<Dependency> depends_on{};  // sorted, none of them on what is newest
    };
    struct Space {
        std::string tenant;
        std::map<std::string, std::string> attributes;
        std::map<std::int64_t, Entry> entries;                 // by id
        std::map<std::string, std::int64_t, std::less<>> ids;  // by hash
        std::unique_ptr<FlatIndex> index;                      // as soon as a vector came
    };
    struct Data {
        CacheSettings settings;
        std::size_t dimension = 0;
        std::int64_t last_id = 0;
        std::map<std::string, Space> spaces;  // by namespace
        std::map<std::string, CacheQuota> quotas;
        CacheQuota limits;
        CachePolicies policies;
        Counters saved;
        struct Held {
            Uuid token;
            Timestamp lease_end;
            std::optional<Timestamp> followed_until{};
            std::string text{};
        };
        std::map<Watches::Key, Held> claims;
        Watches watches;
    };

    std::chrono::sys_seconds now() const { return std::chrono::floor<std::chrono::seconds>(impl_.now()); }
    bool outdated(const Entry& entry) const STELE_REQUIRES(impl_.mutex);
    EntryState state(const Entry& entry) const STELE_REQUIRES(impl_.mutex) {
        return !live(entry) ? EntryState::expired : outdated(entry) ? EntryState::outdated : EntryState::live;
    }
    std::vector<CacheGone> put_one(const NewEntry& entry, const OwnLimits& own) STELE_REQUIRES(impl_.mutex);
    /// Removes those for which it holds.
    CacheRemoved remove_all(const std::function<bool(const std::string& name, const Space&, const Entry&)>& condition)
        STELE_REQUIRES(impl_.mutex);
    bool live(const Entry& entry) const { return !entry.ttl || *entry.ttl > now() - entry.created; }
    std::chrono::seconds age(const Entry& entry) const;
    Hit hit(std::int64_t id, const Entry& entry, float similarity, HitLayer layer) const;
    bool remove_if(const std::string& name_space, const std::string& hash,
                   const std::function<bool(const Entry&)>& condition) STELE_EXCLUDES(impl_.mutex);
    struct Found {
        Hit entry;
        std::string hash;
        EntryState state = EntryState::live;
    };
    /// Copies, the most alike first.
    std::vector<Found> alike(const std::string& name_space, std::span<const float> unit, float min_score)
        STELE_EXCLUDES(impl_.mutex);
    ClaimLook take(const ComputeClaim& claim, Deadline deadline) override;
    std::vector<Uuid> renew(std::span<const ComputeClaim> claims, Deadline deadline) override;
    void release(const ComputeClaim& claim, Deadline deadline) override;
    ClaimText read_text(const ComputeClaim& claim, std::size_t from, Deadline deadline) override;
    void write_text(const ComputeClaim& claim, std::size_t from, std::string_view text, Deadline deadline) override;
    void forget_text(const ComputeClaim&, Deadline) override {}  // it goes with the claim
    Watches& watches() noexcept override { return data_->watches; }
    /// Ends it; false: somebody else has it.
    bool end(const ComputeClaim& claim) STELE_REQUIRES(impl_.mutex);
    /// In this cache's format, which another of the same entries may not have. Null: there are no vectors.
    FlatIndex* index_of(Space& space) const;
    /// A row of the index, the entry and its hash go together.
    static void erase(Space& space, std::int64_t id);
    void accessed(const std::string& name_space, std::int64_t id) STELE_EXCLUDES(impl_.mutex);
    /// Removes what is too much of a tenant (none: of all), `put` last; tells and counts it.
    void trim(const std::optional<std::string>& tenant, const CacheQuota& quota, std::int64_t at_once, std::int64_t put,
              std::vector<CacheGone>& gone) STELE_REQUIRES(impl_.mutex);
    void count(const std::vector<CacheGone>& gone) STELE_REQUIRES(impl_.mutex);

    const MemoryDatabase database_;
    MemoryDatabase::Impl& impl_;
    std::atomic<VectorFormat> format_;
    const std::size_t index_bytes_;
    Data* data_ = nullptr;  // under its lock
};

}  // namespace stele
