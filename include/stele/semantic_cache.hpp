// Answers, found by the same or a similar question.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "stele/cache_caps.hpp"
#include "stele/cache_event.hpp"
#include "stele/database.hpp"
#include "stele/embedder.hpp"
#include "stele/export.hpp"
#include "stele/json.hpp"
#include "stele/memory_database.hpp"
#include "stele/scope.hpp"
#include "stele/transaction.hpp"

namespace stele {
inline namespace v0 {

struct SemanticCacheOptions {
    /// Cosine from which a stored question counts as the same, -1 to 1. Empty: the embedder's own
    /// (Embedder::threshold); where it has none, each get by meaning must bring one.
    std::optional<float> similarity_threshold{};
    /// Lifetime of answers put without one, 1 s to 100 years; nothing: for ever.
    std::optional<std::chrono::seconds> default_ttl{};
    /// Strip and fold blanks and case before hashing and embedding, as mneme does.
    bool normalize = true;
    std::size_t max_query_bytes = 32'768;
    std::size_t max_response_bytes = 4'194'304;
    std::size_t max_metadata_bytes = 65'536;
    /// A store that cannot be reached turns get into a counted miss (put still throws). Off: get throws too. In the
    /// first DatabaseOptions::outage_patience of an outage each such get waits for the store to come back, until its
    /// deadline: where an answer of the model is better than waiting, give get a short one.
    bool miss_when_unavailable = true;

    /// Of all entries together, whoever put them: enforced by every put of this cache, besides SemanticCache::limits,
    /// which every process enforces. The least counts.
    std::optional<std::size_t> max_entries{}, max_bytes{};
    /// By tenant; stored when the cache is opened, for every process (SemanticCache::set_quota).
    std::map<std::string, CacheQuota> quotas{};
    /// A put that finds too many entries removes up to so many more than it must, but no more than a tenth of the
    /// limit, so that not every put has to. kEvictATenth does it as mneme does: of 10,000 entries 1,000 go in one put.
    std::size_t evict_at_once = 16;
    static constexpr std::size_t kEvictATenth = std::numeric_limits<std::size_t>::max();

    /// Told what happens; see also SemanticCache::on_event.
    CacheEventHook on_event{};
};

/// What two questions that are the same have in common: blanks at the ends stripped, blanks inside made one, letters
/// folded. Throws Error(invalid_argument) for text that PostgreSQL cannot store.
STELE_API std::string normalized_query(std::string_view query);

enum class HitLayer : std::uint8_t { exact, semantic };
STELE_API std::string_view to_string(HitLayer layer) noexcept;

struct Hit {
    std::int64_t id = 0;
    std::string response{};
    std::string query{};      ///< the question as it was stored
    float similarity = 1.0f;  ///< cosine, 1 for an exact hit
    HitLayer layer = HitLayer::exact;
    std::chrono::seconds age{};  ///< by the database's clock, never negative
    Json metadata = Json::object();
};

struct GetOptions {
    /// A vector for the question, instead of asking the embedder, as long as all of this cache's. It is scaled to unit
    /// length.
    std::optional<std::vector<float>> embedding{};
    std::optional<float> similarity_threshold{};  ///< instead of the cache's
    bool bypass = false;                          ///< look nowhere: a counted miss
    std::optional<Deadline> deadline{};
};

struct PutOptions {
    std::optional<std::vector<float>> embedding{};  ///< as in GetOptions
    std::optional<std::chrono::seconds> ttl{};      ///< 1 s to 100 years
    bool never_expires = false;                     ///< beats default_ttl
    Json metadata = Json::object();                 ///< a JSON object
    std::optional<Deadline> deadline{};
};

/// Counts since the counters began (they outlive the process), and what is stored now.
struct CacheStats {
    std::int64_t entries = 0;
    std::int64_t expired = 0;  ///< entries beside those, that nobody has removed yet
    std::int64_t bytes = 0;    ///< of both
    std::int64_t hits_exact = 0, hits_semantic = 0, misses = 0;
    std::int64_t evictions = 0;          ///< entries that went because there was too much
    std::int64_t expirations = 0;        ///< entries found past their lifetime by get, or removed for it
    std::int64_t unavailable = 0;        ///< misses because the store could not be reached, since this cache was opened
    std::int64_t embedder_failures = 0;  ///< misses because the embedder failed, since this cache was opened
    std::int64_t truncated = 0;          ///< misses of questions that the embedder cut, since this cache was opened
    std::size_t index_rows = 0;          ///< vectors in memory
    std::size_t index_bytes = 0;
};

/// One stored entry, for listing.
struct CacheEntry {
    std::int64_t id = 0;
    std::string stored_namespace, query, response;
    Json metadata = Json::object();
    std::chrono::seconds age{};
    std::optional<std::chrono::seconds> ttl{};
    std::chrono::sys_seconds last_access{};  ///< by the database's clock: a hit, or when it was put
    std::chrono::seconds idle{};             ///< how long ago that was, never negative
    std::int64_t access_count = 0;           ///< hits since it was put
};

/// A semantic cache on mneme's tables, which Python processes may share. `get` looks for the same question (one round
/// trip, no embedding), then for a similar one (embedder, a scan of the scope's vectors in memory, one round trip).
/// Times are the database's. Thread-safe.
///
/// Memory: dimension x 4 bytes, and some 150 more, for every entry of the scopes that were asked in this process by
/// meaning.
///
/// Other processes' entries: exact lookups always see them. For those by meaning, the tables' version counter travels
/// with every lookup, and when it has moved, what is new is read before the search. A counter that went back, and a row
/// that is not what its vector says, mean a restored backup: everything is read again. What remains until a change log
/// takes the counter's place: an entry of a Python process that replaces another with another vector, or that commits
/// after an entry with a later id, is found by meaning only if it is committed within a minute of its own created_at by
/// the database's clock (so clocks must agree that far); and a restore from which the counter has already gone past its
/// old value is noticed at the first candidate that is another row, not before.
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
    /// another thread reads the scope's vectors: what was read is kept for the next call. Throws
    /// Error(dimension_mismatch) and Error(invalid_argument) for unusable vectors and text, and Error(invalid_argument)
    /// where nobody names a threshold for vectors that nobody measured.
    std::optional<Hit> get(std::string_view query, const Scope& scope = {}, const GetOptions& options = {});
    /// Stores an answer, replacing that of the same question. One round trip (and the embedder, unless given a vector).
    /// Durable when it returns. A question that the embedder cut is stored without a vector. Throws
    /// Error(limit_exceeded) before anything is embedded or sent.
    void put(std::string_view query, std::string_view response, const Scope& scope = {},
             const PutOptions& options = {});
    /// Removes the answer to exactly this question (after normalisation). False: there was none.
    bool remove(std::string_view query, const Scope& scope = {}, std::optional<Deadline> deadline = {});
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

    /// Removes what is past its lifetime, in batches of a transaction each (in a transaction of the caller's: all in
    /// that, keeping every put of others waiting until it ends), and says how much that was.
    std::size_t vacuum(const std::optional<Scope>& scope = {}, std::optional<Deadline> deadline = {});
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

    /// Puts a hook in the place of SemanticCacheOptions::on_event; an empty one is none. A call of the one before may
    /// still be under way.
    void on_event(CacheEventHook hook);
    /// Saves the counters; further calls throw Error(closed). Idempotent.
    void close(std::optional<Deadline> deadline = {});

private:
    struct Impl;
    explicit SemanticCache(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace v0
}  // namespace stele
