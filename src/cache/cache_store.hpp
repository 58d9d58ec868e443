// Where answers are kept: tables, tables as a transaction sees them, or memory.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "cache/counters.hpp"
#include "cache/get_operation.hpp"
#include "stele/semantic_cache.hpp"

namespace stele {

class Claims;
struct ComputeClaim;

/// What the vectors are, as far as that is settled.
struct CacheSettings {
    std::optional<std::string> fingerprint, dimension;
    std::int64_t epoch = 0;  ///< raised whenever all vectors are replaced by those of another embedder
};

/// Checked by the caller, who keeps it alive.
struct NewEntry {
    const Scope& scope;
    const std::string& hash;
    std::string_view query, response;
    std::span<const float> unit;  ///< empty: found by its wording only
    const Json& metadata;
    std::optional<std::int64_t> ttl;  ///< seconds; nothing: as by_default says
    bool by_default = false;          ///< as its tenant has settled, else default_ttl; off: for ever
    std::optional<std::int64_t> default_ttl{};
    std::span<const std::string> tags{};
    std::span<const Dependency> depends_on{};
    ComputeClaim* claim = nullptr;  ///< stored only while it is held, and ends it; is told otherwise

    bool attaches() const noexcept { return !tags.empty() || !depends_on.empty(); }
};

/// How many entries went, by namespace.
using CacheRemoved = std::map<std::string, std::int64_t>;
/// By tenant.
using CachePolicies = std::map<std::string, CachePolicy>;
/// What was asked for whose vector is known by now.
struct KnownRequest {
    GetRequest* request;
    Exact known;
};

struct CacheTotals {
    Counters::Values counters{};  ///< as they were saved
    std::int64_t entries = 0, expired = 0, bytes = 0;
    std::size_t index_rows = 0, index_tombstones = 0, index_bytes = 0, local_entries = 0, local_bytes = 0;
};

/// What one cache asks of its puts, besides the limits that are stored.
struct OwnLimits {
    CacheQuota limits{};       ///< of all entries together
    std::int64_t at_once = 0;  ///< so many more may go, up to a tenth of the limit, when some must
};

/// Entries of one namespace that went by themselves. They are counted already.
struct CacheGone {
    std::string name_space;
    std::int64_t evicted = 0, expired = 0;
};

/// What CacheHealth is made of.
struct StoreHealth {
    std::string schema_version{};
    std::optional<std::string> fingerprint{};
    std::int64_t entries = 0, bytes = 0;
    std::size_t namespaces = 0;
    bool sound = false;  ///< the sums agree
    std::optional<std::chrono::seconds> oldest_age{};
};

/// Thread-safe, unless it is in a transaction. Calls throw Error.
class CacheStore {
public:
    CacheStore() = default;
    CacheStore(const CacheStore&) = delete;
    CacheStore& operator=(const CacheStore&) = delete;
    virtual ~CacheStore() = default;

    /// How long its vectors are; 0: not known yet, look() may tell.
    virtual std::size_t dimension() const noexcept = 0;
    virtual CacheSettings look(Deadline deadline) = 0;
    /// Settles what is not settled yet, and tells what is then.
    virtual CacheSettings claim(const std::optional<std::string>& fingerprint, std::size_t length,
                                Deadline deadline) = 0;

    /// After Error(fingerprint_mismatch) of get or put, which say so when the vectors are of another epoch than this
    /// one began with: goes on if they are of this embedder again, else throws it anew.
    virtual void follow(const Embedder*, Deadline) {}

    /// As get_operation() says. `threshold` may throw.
    virtual GetOutcome get(const GetRequest& request, const std::function<float()>& threshold, Embedder* embedder,
                           Deadline deadline) = 0;
    /// What get() says of the same questions, none by meaning; how each of the others stands is in its outcome. One
    /// round trip for all. All are of one namespace.
    virtual std::vector<GetOutcome> get_exact(std::span<GetRequest> requests, Deadline deadline) = 0;
    /// The rest of get() for these, which have vectors of this embedder, in their order.
    virtual std::vector<GetOutcome> get_alike(std::span<const KnownRequest> requests,
                                              const std::function<float()>& threshold, Embedder* embedder,
                                              Deadline deadline) = 0;
    /// Says what had to go for it; nothing in a transaction, where that is decided by the commit.
    virtual std::vector<CacheGone> put(const NewEntry& entry, const OwnLimits& own, Deadline deadline) = 0;
    /// All of them or none; no two of one question, all of one namespace.
    virtual std::vector<CacheGone> put_many(std::span<const NewEntry> entries, const OwnLimits& own,
                                            Deadline deadline) = 0;
    /// False: there was none.
    virtual bool remove(const std::string& name_space, const std::string& hash, Deadline deadline) = 0;
    /// Only while its answer is still this one. False: it is not.
    virtual bool remove_answer(const std::string& name_space, const std::string& hash, const std::string& response,
                               Deadline deadline) = 0;
    /// Of the scope, or of all of its tenant.
    virtual CacheRemoved remove_tagged(const std::string& tag, const Scope& scope, bool whole_tenant,
                                       Deadline deadline) = 0;
    virtual CacheRemoved remove_outdated(const std::optional<std::string>& name_space, Deadline deadline) = 0;
    /// How many there were.
    virtual std::size_t clear(const std::string& name_space, Deadline deadline) = 0;
    virtual std::size_t clear_all(Deadline deadline) = 0;
    /// Removes what has expired, unless that is less than `spared` ago.
    virtual std::vector<CacheGone> vacuum(const std::optional<std::string>& name_space, std::chrono::seconds spared,
                                          Deadline deadline) = 0;
    virtual std::vector<CacheEntry> list(const std::optional<std::string>& name_space, const CacheEntryFilter& filter,
                                         Deadline deadline) = 0;
    virtual std::vector<CacheNamespace> namespaces(Deadline deadline) = 0;
    virtual StoreHealth health(Deadline deadline) = 0;

    /// Of the vectors in memory: how many were of entries that are gone.
    virtual std::size_t compact(const std::optional<std::string>& name_space, Deadline deadline) = 0;
    virtual void set_vector_format(VectorFormat format) = 0;
    virtual VectorFormat vector_format() const noexcept = 0;
    /// Vectors of some namespace are searched by a graph.
    virtual bool has_graph() const = 0;

    /// Of a tenant, or of all together; what is too much goes, and is told.
    virtual std::vector<CacheGone> set_limits(const std::optional<std::string>& tenant, const CacheQuota& quota,
                                              Deadline deadline) = 0;
    /// False: it had none.
    virtual bool remove_quota(const std::string& tenant, Deadline deadline) = 0;
    /// Of one tenant, or of all that have one.
    virtual std::map<std::string, CacheQuota> quotas(const std::optional<std::string>& tenant, Deadline deadline) = 0;
    /// Of all together.
    virtual CacheQuota limits(Deadline deadline) = 0;

    /// Never null.
    virtual std::shared_ptr<const CachePolicies> policies(Deadline deadline) = 0;
    /// The same, as old as anything that is kept in memory may be.
    virtual std::shared_ptr<const CachePolicies> known_policies(Deadline deadline) { return policies(deadline); }
    virtual void set_policy(const std::string& tenant, const CachePolicy& policy, Deadline deadline) = 0;
    /// False: it had none.
    virtual bool remove_policy(const std::string& tenant, Deadline deadline) = 0;

    virtual CacheTotals totals(const std::optional<std::string>& name_space, Deadline deadline) = 0;
    virtual void save(const Counters::Batch& batch, Deadline deadline) = 0;

    /// Writes what was left for later.
    virtual void flush(Deadline) {}

    /// Runs it when what was just done counts: at once, or after the commit.
    virtual void when_kept(std::function<void()> run) { run(); }
    virtual bool in_transaction() const noexcept { return false; }
    /// This, or where it goes on after the transaction.
    virtual std::shared_ptr<const CacheStore> outside() const = 0;
    /// The same store inside; Error(invalid_argument) where it has no transactions.
    virtual std::unique_ptr<CacheStore> join(Transaction& transaction) { return refuse(transaction); }
    virtual std::unique_ptr<CacheStore> join(Savepoint& savepoint) { return refuse(savepoint); }

    /// Who may compute an answer; null in a transaction.
    virtual Claims* claims() noexcept { return nullptr; }

    /// For messages.
    virtual std::string describe() const = 0;
    /// mneme's label for it: "postgres", "memory".
    virtual std::string_view kind() const noexcept = 0;
    virtual Deadline default_deadline() const = 0;
    virtual void log(LogLevel level, const std::string& message) const noexcept = 0;

private:
    template <class Inner>
    static std::unique_ptr<CacheStore> refuse(Inner&) {
        raise(ErrorCode::invalid_argument,
              "only a cache on a database takes part in a transaction; this is a twin without one, or does already");
    }
};

}  // namespace stele
