// Answers, found by the same or a similar question.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
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
#include "stele/cache_policy.hpp"
#include "stele/database.hpp"
#include "stele/dependency.hpp"
#include "stele/embedder.hpp"
#include "stele/error.hpp"
#include "stele/export.hpp"
#include "stele/get_or_compute.hpp"
#include "stele/guard.hpp"
#include "stele/json.hpp"
#include "stele/memory_database.hpp"
#include "stele/scope.hpp"
#include "stele/transaction.hpp"
#include "stele/vector_format.hpp"

namespace stele {
inline namespace v0 {

enum class AccessTimes : std::uint8_t {
    behind,       ///< some at once, without anybody waiting: about every second while there are calls, and at the end
    within_call,  ///< before the answer is returned, committed with it, as mneme does; then every get is one round trip
    never,
};

struct SemanticCacheOptions {
    /// Cosine from which a stored question counts as the same, -1 to 1. Empty: the embedder's own
    /// (Embedder::threshold); where it has none, each get by meaning must bring one.
    std::optional<float> similarity_threshold{};
    /// Lifetime of answers put without one, 1 s to 100 years; nothing: for ever.
    std::optional<std::chrono::seconds> default_ttl{};
    /// Every lifetime of what this cache puts is shortened by up to this share of it, 0 to 0.9, by how much the
    /// question says: what is put at one time does not expire at one time. One that a tenant's policy gives stays as it
    /// is.
    float ttl_jitter = 0.0f;
    /// So long after its lifetime an answer is still served by get_or_compute (Hit::stale) while one caller of all
    /// processes renews it in the background. vacuum() of this cache spares those; another process's does so with the
    /// same option. What goes for a limit goes: first what has expired.
    std::chrono::seconds serve_stale{0};
    /// Runs the renewals; they end before close() returns. Empty: two threads of the cache's own, for which at most 64
    /// more wait, and what is beyond those is left to later callers.
    TaskRunner background{};
    /// Strip and fold blanks and case before hashing and embedding, as mneme does.
    bool normalize = true;
    std::size_t max_query_bytes = 32'768;
    std::size_t max_response_bytes = 4'194'304;
    std::size_t max_metadata_bytes = 65'536;
    /// A store that cannot be reached turns get into a counted miss (put still throws). Off: get throws too. In the
    /// first DatabaseOptions::outage_patience of an outage each such get waits for the store to come back, until its
    /// deadline: where an answer of the model is better than waiting, give get a short one.
    bool miss_when_unavailable = true;
    /// Answers to the same questions that this process keeps in memory, at most so many and so many bytes of them; 0:
    /// none. They follow what anybody changes: DatabaseOptions::max_staleness says how old they may be.
    std::size_t local_entries = 10'000;
    std::size_t local_bytes = 64U << 20U;
    /// When it is noted that an entry was answered (its last access and how often), by which the least recently used
    /// are found.
    AccessTimes access_times = AccessTimes::behind;
    /// Asked in this order about what was found by meaning; the first that refuses decides. text_guards() are those
    /// that come with Stele. Of a get they see at most 64 candidates that they refuse.
    std::vector<Guard> guards{};
    /// Asked before the guards about every answer found by meaning: one that it refuses is not served. Empty: none is
    /// refused. Like a guard it must be thread-safe, and refuses by throwing.
    Validator validator = valid_response;
    /// What Hit::confidence is; empty: the similarity. If it throws, the confidence is 0, and an answer found by
    /// meaning is refused.
    ConfidenceFunction confidence = decayed_confidence;
    /// Answers found by meaning with a lower confidence are not served. Nothing: any confidence will do. Beware: with
    /// decayed_confidence, 0.7 ends the reuse of an entry within 12 hours.
    std::optional<float> min_confidence{};
    /// As mneme does: the similarity threshold is 0.85 where none is given, whatever the embedder's own is;
    /// min_confidence is 0.7 where none is given; and an entry that the validator refuses is removed, unless it has got
    /// another answer meanwhile.
    bool mneme_compatible = false;

    /// Of all entries together, whoever put them: enforced by every put of this cache, besides SemanticCache::limits,
    /// which every process enforces. The least counts.
    std::optional<std::size_t> max_entries{}, max_bytes{};
    /// By tenant; stored when the cache is opened, for every process (SemanticCache::set_quota).
    std::map<std::string, CacheQuota> quotas{};
    /// Puts that find too many entries remove up to so many more than must go, at most a tenth of the limit: 64 in one
    /// put, the rest in those that follow. kEvictATenth is mneme's way: of 10,000 entries 1,000 go, by 16 puts.
    std::size_t evict_at_once = 16;
    static constexpr std::size_t kEvictATenth = std::numeric_limits<std::size_t>::max();

    /// How vectors lie in this process's memory. With another format than float32 the best that a search finds are
    /// compared once more by the vectors in the tables, which come along with their answers: similarities are exact,
    /// and no float32 is kept in memory. See also SemanticCache::set_vector_format.
    VectorFormat vector_format = VectorFormat::float32;
    /// What the vectors in memory may take, of all scopes together, with what is known of each; 0: whatever they need.
    /// Beyond it those of the scope that was searched longest ago go first; they are read again when it is searched. A
    /// scope that alone needs more is not searched by meaning: MissReason::index_full, until 10,000 of its entries were
    /// changed or it was cleared.
    std::size_t index_bytes = 0;
    /// A directory in which vectors are left for other processes of this host and for the next start; empty: none. It
    /// is made if there is none. Vectors are written behind the calls and at close(), mapped from there, and brought up
    /// to date by the change log; where that does not reach back far enough (an hour, a restart of the server), or
    /// anything is damaged or another's, they are read from the tables. What is written says as much as the vectors do:
    /// it is readable by its owner only.
    std::filesystem::path index_snapshot{};

    /// What is not cached at all: a get of it is a counted miss (MissReason::skipped), a put of it stores nothing.
    SkipRule skip{};

    /// Told what happens; see also SemanticCache::on_event.
    CacheEventHook on_event{};
};

/// What two questions that are the same have in common: blanks at the ends stripped, blanks inside made one, letters
/// folded. Throws Error(invalid_argument) for text that PostgreSQL cannot store.
STELE_API std::string normalized_query(std::string_view query);

/// Where an answer was found: in this process's memory or in the tables, both under the same question, or under a
/// similar one.
enum class HitLayer : std::uint8_t { local, exact, semantic };
STELE_API std::string_view to_string(HitLayer layer) noexcept;

struct Hit {
    std::int64_t id = 0;
    std::string response{};
    std::string query{};      ///< the question as it was stored
    float similarity = 1.0f;  ///< cosine, 1 for an exact hit
    HitLayer layer = HitLayer::exact;
    std::chrono::seconds age{};  ///< by the database's clock, never negative
    Json metadata = Json::object();
    float confidence = 1.0f;  ///< what SemanticCacheOptions::confidence makes of it; of an exact hit for information
    bool stale = false;       ///< past its lifetime; by get_or_compute only
};

/// What get_or_compute returns.
struct ComputedAnswer {
    std::string response{};
    Json metadata = Json::object();
    AnswerSource source = AnswerSource::stored;
    std::optional<Hit> hit{};  ///< where it was found, by this call or by the one that it shares the answer of
    Kept kept = Kept::stored;
};

/// Why there is no answer. The first five are mneme's.
enum class MissReason : std::uint8_t {
    bypass,            ///< it was not to be looked for
    embedder_failure,  ///< the embedder threw
    dim_mismatch,      ///< the vector is of another length than those of the cache
    below_threshold,   ///< what is most alike is not alike enough
    no_match,          ///< nothing to compare with: no entry with a vector, or no embedder
    truncated,         ///< the embedder cut the question, so only the same one would have done
    refused_by_guard,  ///< alike enough, but refused by a guard, the validator or min_confidence
    expired,           ///< the same question, or one alike enough, is past its lifetime
    unavailable,       ///< the store could not be reached
    index_full,  ///< the scope's vectors do not fit into SemanticCacheOptions::index_bytes; the log has the numbers
    outdated,    ///< the same question, or one alike enough, was made from something that is not current any more
    skipped      ///< SemanticCacheOptions::skip
};
/// Its name: "below_threshold".
STELE_API std::string_view to_string(MissReason reason) noexcept;

/// A hit, or why there is none: one of the two.
struct Lookup {
    std::optional<Hit> hit{};
    std::optional<MissReason> miss{};
};

/// What became of a candidate.
enum class CandidateFate : std::uint8_t {
    served,           ///< its answer is the one
    outranked,        ///< would be served if none were more alike
    refused,          ///< see ExplainedCandidate::refusal
    expired,          ///< past its lifetime
    below_threshold,  ///< not alike enough
    outdated,         ///< made from something that is not current any more
};
STELE_API std::string_view to_string(CandidateFate fate) noexcept;

/// One stored question that was compared.
struct ExplainedCandidate {
    Hit entry{};  ///< as it would be served
    CandidateFate fate = CandidateFate::served;
    std::string refused_by{};          ///< the name of the guard; "validator", "confidence"
    std::optional<Refusal> refusal{};  ///< why
};

/// What a get did, or would do.
struct Explanation {
    Lookup result{};
    std::optional<float> threshold{};              ///< that was used; nothing: nothing was looked for by meaning
    std::vector<ExplainedCandidate> candidates{};  ///< the most alike first; none of an exact hit
};

struct GetOptions {
    /// A vector for the question, instead of asking the embedder, as long as all of this cache's. It is scaled to unit
    /// length.
    std::optional<std::vector<float>> embedding{};
    std::optional<float> similarity_threshold{};  ///< instead of the cache's
    bool bypass = false;                          ///< look nowhere: a counted miss
    std::size_t turns = 1;  ///< of the conversation that the question stands for; see SkipRule::max_turns
    std::optional<Deadline> deadline{};
};

struct PutOptions {
    std::optional<std::vector<float>> embedding{};  ///< as in GetOptions
    std::optional<std::chrono::seconds> ttl{};      ///< 1 s to 100 years
    bool never_expires = false;                     ///< beats default_ttl
    Json metadata = Json::object();                 ///< a JSON object
    std::vector<std::string> tags{};                ///< at most 100, each of 1 to 1,024 bytes; see remove_tagged()
    /// What the answer was made from, at most 100: as soon as one of them is not current any more, it is not served.
    Dependencies depends_on{};
    std::size_t turns = 1;  ///< as in GetOptions
    std::optional<Deadline> deadline{};
};

/// One of put_many().
struct NewAnswer {
    std::string query, response;
    PutOptions options{};  ///< its deadline does not count
};

/// One of get_many().
struct ManyLookup {
    Lookup lookup{};
    std::optional<ErrorInfo> error{};  ///< of this question alone, such as text that cannot be stored
};

/// Counts since the counters began (they outlive the process), and what is stored now.
struct CacheStats {
    std::int64_t entries = 0;
    std::int64_t expired = 0;                                    ///< entries beside those, that nobody has removed yet
    std::int64_t bytes = 0;                                      ///< of both
    std::int64_t hits_exact = 0, hits_semantic = 0, misses = 0;  ///< local hits are exact ones
    std::int64_t hits_local = 0;         ///< of these, from this process's memory, since this cache was opened
    std::int64_t evictions = 0;          ///< entries that went because there was too much
    std::int64_t expirations = 0;        ///< entries found past their lifetime by get, or removed for it
    std::int64_t unavailable = 0;        ///< misses because the store could not be reached, since this cache was opened
    std::int64_t embedder_failures = 0;  ///< misses because the embedder failed, since this cache was opened
    std::int64_t truncated = 0;          ///< misses of questions that the embedder cut, since this cache was opened
    std::int64_t refused = 0;         ///< misses for which MissReason is refused_by_guard, since this cache was opened
    std::int64_t outdated = 0;        ///< misses for which MissReason is outdated, since this cache was opened
    std::int64_t skipped = 0;         ///< gets and puts that the skip rule kept out, since this cache was opened
    std::int64_t guard_failures = 0;  ///< exceptions of guards, validator and confidence, since this cache was opened
    // of get_or_compute, since this cache was opened
    std::int64_t computed = 0;          ///< computations that were begun
    std::int64_t shared = 0;            ///< calls that got another caller's (AnswerSource::shared)
    std::int64_t compute_failures = 0;  ///< computations that threw
    std::int64_t served_stale = 0;      ///< calls that got what was past its lifetime
    std::size_t index_rows = 0;         ///< vectors in memory
    std::size_t index_tombstones = 0;   ///< beside them: of entries that were removed or replaced; see compact()
    std::size_t index_bytes = 0;        ///< what all of it takes, with room for more rows
    std::size_t vector_bytes = 0;       ///< what the vectors of `entries` would take: mneme's memory_bytes_estimate
    std::size_t local_entries = 0;      ///< answers in memory, of all scopes
    std::size_t local_bytes = 0;
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
    std::vector<std::string> tags{};         ///< in the order of their bytes
    std::vector<Dependency> depends_on{};    ///< by kind and name
    bool outdated = false;                   ///< one of these is not current any more
};

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
    /// this process or in any other, the others who ask the same question wait for that; in this process they read
    /// along (ComputeOptions::reader). `compute` runs on the calling thread.
    ///
    /// If it throws, nothing is stored, and it throws to all who wait for it in this process, as it is; who has read a
    /// part gets IncompleteAnswer. In other processes the next who waits computes. Error(cancelled), and
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
