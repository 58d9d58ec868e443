// Answers, found by the same or a similar question.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "stele/cache_caps.hpp"
#include "stele/cache_event.hpp"
#include "stele/cache_hit.hpp"
#include "stele/cache_options.hpp"
#include "stele/cache_policy.hpp"
#include "stele/cache_stats.hpp"
#include "stele/database.hpp"
#include "stele/embedder.hpp"
#include "stele/export.hpp"
#include "stele/get_or_compute.hpp"
#include "stele/memory_database.hpp"
#include "stele/scope.hpp"
#include "stele/transaction.hpp"
#include "stele/vector_format.hpp"

namespace stele {
inline namespace v0 {

/// What two questions that are the same have in common: blanks at the ends stripped, blanks inside made one, letters
/// folded. Throws Error(invalid_argument) for text that PostgreSQL cannot store.
STELE_API std::string normalized_query(std::string_view query);

/// A semantic cache on mneme's tables, which Python processes may share. `get` looks for the same question, in this
/// process's memory and then in the tables (one round trip, no embedding), then for a similar one (embedder, a scan of
/// the scope's vectors in memory, one round trip). Times are the database's. Thread-safe.
///
/// Memory: SemanticCacheOptions::local_bytes, and the vector (SemanticCacheOptions::vector_format) and about 60 bytes
/// more for every entry of the scopes that were asked in this process by meaning, at most
/// SemanticCacheOptions::index_bytes. A scope's vectors are read at its first get by meaning, which waits for that, and
/// so do others of the same scope. From then on nobody who searches waits for those who put, remove or read vectors.
///
/// What others change, whoever they are, is noted by triggers in the transaction that changes it, and followed
/// (DatabaseOptions::max_staleness): an answer from memory, and a vector by which one is found, is not older than that.
/// While that cannot be kept, because the server is away or this process was stopped, memory is not asked, and a get
/// by meaning waits until the changes were read. What this cache puts or removes itself it finds at once.
class STELE_API SemanticCache {
public:
    /// Throws Error(fingerprint_mismatch) or Error(dimension_mismatch) when the tables hold another embedder's vectors,
    /// Error(invalid_argument) for options out of bounds. A refused embedder leaves nothing behind.
    ///
    /// `embedder` may be null: then questions are found by their wording only, unless a call brings its own vector. The
    /// first such vector ever put settles the length of all. Entries put without any hold zeros of that length, which
    /// a Python process reads as a vector that is like nothing: never found above a threshold of 0. As long as no
    /// length is settled they hold no bytes at all, and a Python process that opens the schema fails on them: open it
    /// here with the embedder first, which gives them their zeros (`stele doctor` finds what was missed).
    SemanticCache(Database database, std::shared_ptr<Embedder> embedder, SemanticCacheOptions options = {});
    /// A twin for tests: the same answers, no database, its times the MemoryDatabase's. Transactions are the database's
    /// alone. stele/testing.hpp has an embedder and a clock that go with it.
    static SemanticCache in_memory(MemoryDatabase database = MemoryDatabase(),
                                   std::shared_ptr<Embedder> embedder = nullptr, SemanticCacheOptions options = {});
    SemanticCache(SemanticCache&&) noexcept;
    SemanticCache& operator=(SemanticCache&&) noexcept;
    /// Adds its counters to the stored ones. Never throws; close() reports failures.
    ~SemanticCache();

    /// The same cache as the transaction, or the innermost savepoint, sees and changes it: gets find what was put
    /// inside, in both ways, and what was put or removed inside is undone with it. Other processes, and this one
    /// outside, see it when it is committed; then the gets inside are counted, too. The transaction must be of the
    /// Database that the cache was made with: Error(invalid_argument). Must not outlive the transaction or savepoint,
    /// and is, as they are, for one thread at a time.
    ///
    /// Inside, a store that cannot be reached is an Error whatever miss_when_unavailable says. A get by meaning asks
    /// which of the scope's entries the transaction sees, so it costs more than outside, and reads the vectors that are
    /// not in this process's memory yet: those of all the scope, if it was never asked by meaning outside. The tables'
    /// version counter is raised in the commit's round trip, so that an open transaction delays nobody but those who
    /// change the same question. Above Isolation::read_committed a commit after a put or a removal therefore fails,
    /// with Retry::transaction, when anybody else changed the cache since the transaction's first statement. Lifetimes
    /// begin with the commit where the put was more than half a minute before. The vector that settles how long all are
    /// cannot be put inside: Error(invalid_argument).
    SemanticCache in(Transaction& transaction) const;
    SemanticCache in(Savepoint& savepoint) const;

    /// An answer, or nothing. A question that the embedder cut (Embedding::truncated) is found by its wording only: one
    /// that is the same up to there, and another after, would have the same vector. An embedder that fails, or a store
    /// that is away (see miss_when_unavailable), is a counted miss, and so is a deadline that passes, be it while
    /// another thread reads the scope's vectors: what was read is kept for the next call. A vector of another length
    /// than the cache's is a counted miss, too. Throws Error(invalid_argument) for text and vectors that are unusable
    /// otherwise, and where nobody names a threshold for vectors that nobody measured.
    ///
    /// Of what was found by meaning the first that the validator, min_confidence and the guards accept is served.
    std::optional<Hit> get(std::string_view query, const Scope& scope = {}, const GetOptions& options = {});
    /// The same, and says why there is no answer.
    Lookup look_up(std::string_view query, const Scope& scope = {}, const GetOptions& options = {});
    /// What get would do, without doing it: nothing is counted, removed or marked as used. Shows `most` candidates, and
    /// the one that is served if it comes later, those below the threshold, too; a guard is asked about each, and so is
    /// the embedder. Costs what get costs. Throws as get does.
    Explanation explain(std::string_view query, const Scope& scope = {}, const GetOptions& options = {},
                        std::size_t most = 8);

    /// Of many questions at once, in their order: one round trip for the same ones, one batch for the embedder, one
    /// round trip for similar ones; what the guards refuse may cost more. GetOptions::embedding is
    /// Error(invalid_argument). Each is counted as by get. What concerns one question alone is its ManyLookup::error.
    std::vector<ManyLookup> get_many(std::span<const std::string> queries, const Scope& scope = {},
                                     const GetOptions& options = {});

    /// From now on, of this cache and of what it is in transactions; nothing: the embedder's own.
    /// Error(invalid_argument) unless it is within -1 and 1. Other processes keep theirs.
    void set_similarity_threshold(std::optional<float> threshold);
    /// As set last. May be asked after close().
    std::optional<float> similarity_threshold() const noexcept;

    /// Stores an answer, replacing that of the same question. One round trip (and the embedder, unless given a vector).
    /// Durable when it returns. A question that the embedder cut is stored without a vector. Throws
    /// Error(limit_exceeded) before anything is embedded or sent. False: SemanticCacheOptions::skip keeps it out.
    ///
    /// Tags and dependencies are those of this put: those of the answer before go, also when a Python process replaces
    /// or deletes it.
    bool put(std::string_view query, std::string_view response, const Scope& scope = {},
             const PutOptions& options = {});
    /// All of them or none, in one batch for the embedder and one transaction; of the same question the last one
    /// counts. Says how many were stored. An error names the first answer that it is of. Quotas hold as after single
    /// puts.
    std::size_t put_many(std::span<const NewAnswer> answers, const Scope& scope = {},
                         std::optional<Deadline> deadline = {});
    /// The stored answer, as get finds it, or what `compute` writes, which is stored. While one caller computes, in
    /// this process or in any other, the others who ask the same question wait for that, and read along
    /// (ComputeOptions::reader). `compute` runs on the calling thread.
    ///
    /// If it throws, nothing is stored, and it throws to all who wait for it in this process, as it is; who has read a
    /// part, wherever, gets IncompleteAnswer. In other processes the next who waits computes. Error(cancelled), and
    /// Error(deadline_exceeded) after the deadline of its caller, are that caller's alone: another who waits computes.
    /// A deadline ends no computation: whose passes while he computes gets the answer late. A process that dies, stops
    /// or loses its connection while it computes is replaced when its lease is over; what it puts then is refused
    /// (Kept::replaced), its own callers get it all the same.
    ///
    /// Without the store (it is away, and miss_when_unavailable is set) the computation runs once in each process, and
    /// what it writes is returned and not stored. Throws Error(deadline_exceeded) when the answer of another did not
    /// come in time, Error(invalid_argument) in a transaction, and what get and put throw for what they are given. One
    /// call counts as one hit or one miss.
    ComputedAnswer get_or_compute(std::string_view query, const Scope& scope, const Computation& compute,
                                  const ComputeOptions& options = {});
    /// Removes the answer to exactly this question (after normalisation). False: there was none.
    bool remove(std::string_view query, const Scope& scope = {}, std::optional<Deadline> deadline = {});
    /// Removes what was put with this tag, of one scope, or of all scopes of its tenant, at once; says how many answers
    /// that were. One statement, by an index. For the rest, as clear().
    std::size_t remove_tagged(std::string_view tag, const Scope& scope = {}, bool whole_tenant = false,
                              std::optional<Deadline> deadline = {});
    /// Removes what was made from something that is not current any more, in batches as vacuum() does, which calls it.
    /// Nobody is served that anyway. What somebody else is changing stays.
    std::size_t remove_outdated(const std::optional<Scope>& scope = {}, std::optional<Deadline> deadline = {});
    /// Removes all answers of a scope, those that have expired too, and what is known of the scope; says how many
    /// answers there were. Of the scope's tenant with other attributes nothing goes. Processes that keep vectors in
    /// memory read them anew. In a transaction it keeps every put of others waiting until that ends, so do it last; one
    /// that meets a transaction with changes of the same answers fails with Retry::transaction.
    std::size_t clear(const Scope& scope, std::optional<Deadline> deadline = {});
    /// Of one scope, or of everything.
    CacheStats stats(const std::optional<Scope>& scope = {}, std::optional<Deadline> deadline = {});
    /// Newest first, live ones only; `before` is the id of the last entry of the page before.
    std::vector<CacheEntry> list(const Scope& scope = {}, std::size_t limit = 50,
                                 std::optional<std::int64_t> before = {}, std::optional<Deadline> deadline = {});
    /// The live ones that a filter lets pass, of one scope or of all. What is used while pages of the coldest are read
    /// moves to a later page.
    std::vector<CacheEntry> entries(const std::optional<Scope>& scope, const CacheEntryFilter& filter,
                                    std::optional<Deadline> deadline = {});
    /// Those that hold entries, sorted by their stored name.
    std::vector<CacheNamespace> namespaces(std::optional<Deadline> deadline = {});
    /// Never throws because the store is away: that is told.
    CacheHealth health(std::optional<Deadline> deadline = {});

    /// Removes what is past its lifetime or outdated, in batches of a transaction each (in a transaction of the
    /// caller's: all in that, keeping every put of others waiting until it ends), and says how much that was. Then
    /// compacts, unless told not to, or in a transaction.
    std::size_t vacuum(const std::optional<Scope>& scope = {}, std::optional<Deadline> deadline = {},
                       bool compact = true);
    /// Gives back the memory of vectors whose entries were removed or replaced, of a scope or of all; says how many
    /// there were. Nobody who searches waits for it. It is seldom needed: of many rows at most an eighth is kept so
    /// long.
    std::size_t compact(const std::optional<Scope>& scope = {}, std::optional<Deadline> deadline = {});
    /// From now on, of this cache and of what it is in transactions. Vectors are read again from the tables, of each
    /// scope when it is searched next, so that nothing is lost by way of a smaller format.
    void set_vector_format(VectorFormat format);
    VectorFormat vector_format() const noexcept;
    /// Removes all answers of all tenants, and what is known of their scopes, in one transaction; says how many there
    /// were. Quotas and limits stay. For the rest, as clear().
    std::size_t clear_all(std::optional<Deadline> deadline = {});

    /// What a tenant may have, all its scopes together. Stored, and enforced by every put of every process that uses
    /// Stele; entries that are too many by now go before this returns. After a put has returned, nobody sees more than
    /// is allowed, however many put at once: what expired goes first, then what was used longest ago. An answer that is
    /// larger than the quota itself is not kept. mneme's Python processes share the quotas in entries but enforce only
    /// their own: what they put too much goes with the next put here. Throws Error(invalid_argument) for an empty
    /// quota.
    void set_quota(std::string_view tenant, const CacheQuota& quota, std::optional<Deadline> deadline = {});
    std::optional<CacheQuota> quota(std::string_view tenant, std::optional<Deadline> deadline = {});
    /// Of all tenants that have one.
    std::map<std::string, CacheQuota> quotas(std::optional<Deadline> deadline = {});
    /// False: there was none.
    bool remove_quota(std::string_view tenant, std::optional<Deadline> deadline = {});
    /// The same of all entries together; an empty quota takes the limits away.
    void set_limits(const CacheQuota& limits, std::optional<Deadline> deadline = {});
    CacheQuota limits(std::optional<Deadline> deadline = {});

    /// What a tenant has settled: stored, and followed by every process within its DatabaseOptions::max_staleness, by
    /// this one at once. Error(invalid_argument) for an empty policy, and for values out of bounds.
    void set_policy(std::string_view tenant, const CachePolicy& policy, std::optional<Deadline> deadline = {});
    std::optional<CachePolicy> policy(std::string_view tenant, std::optional<Deadline> deadline = {});
    /// Of all tenants that have one.
    std::map<std::string, CachePolicy> policies(std::optional<Deadline> deadline = {});
    /// False: there was none.
    bool remove_policy(std::string_view tenant, std::optional<Deadline> deadline = {});

    /// Puts a hook in the place of SemanticCacheOptions::on_event; an empty one is none. A call of the one before may
    /// still be under way.
    void on_event(CacheEventHook hook);
    /// Waits for renewals in the background and saves the counters; further calls throw Error(closed). Idempotent.
    void close(std::optional<Deadline> deadline = {});

private:
    struct Impl;
    explicit SemanticCache(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace v0
}  // namespace stele
