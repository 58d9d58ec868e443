// What a cache does that does not depend on where its answers are kept.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/sharded.hpp"
#include "cache/cache_events.hpp"
#include "cache/cache_store.hpp"
#include "cache/entry_vector.hpp"
#include "cache/guard_chain.hpp"
#include "cache/once/background.hpp"
#include "stele/semantic_cache.hpp"

namespace stele {

class Once;
struct ComputeClaim;

inline namespace v0 {

struct SemanticCache::Impl {
    /// What a cache has in common with what it is inside transactions.
    struct Shared {
        /// `log`: for a guard that throws.
        Shared(std::shared_ptr<Embedder> made_by, SemanticCacheOptions chosen,
               std::function<void(const std::string&)> log);
        const std::shared_ptr<Embedder> embedder;
        const SemanticCacheOptions options;
        const GuardChain guards;
        std::atomic<std::optional<float>> threshold;
        Counters counters;
        ShardedCounter hits_local;
        CacheEvents events;
        std::atomic<std::int64_t> unavailable{0}, embedder_failures{0}, truncated{0}, refused{0}, outdated{0},
            skipped{0};
        std::atomic<bool> closed{false};
        std::shared_ptr<Once> once;  // set before anybody else has this
    };

    Impl(std::shared_ptr<Shared> with, std::shared_ptr<CacheStore> in)
        : shared(std::move(with)), options(shared->options), embedder(shared->embedder.get()), store(std::move(in)) {}

    static std::unique_ptr<Impl> make(std::shared_ptr<CacheStore> store, std::shared_ptr<Embedder> embedder,
                                      SemanticCacheOptions options);
    /// Checks the options, and that the embedder is that of the stored vectors.
    void open();
    void close(const std::optional<Deadline>& given);
    void check_open() const;
    Deadline deadline(const std::optional<Deadline>& given) const { return given ? *given : store->default_deadline(); }
    std::string key_text(std::string_view query) const;
    std::vector<float> checked(std::vector<float> vector) const {
        return checked_vector(std::move(vector), store->dimension());
    }

    /// What comes before the store is asked.
    GetRequest request(std::string_view query, const Scope& scope) const;
    /// Nothing of it is counted. What may be a miss is none but one.
    GetOutcome find(GetRequest& request, const Scope& scope, const GetOptions& get);
    /// With everything that comes after it; `explain`: nothing does, and so many candidates are shown.
    GetOutcome look_up(std::string_view query, const Scope& scope, const GetOptions& get,
                       std::optional<std::size_t> explain = {});
    /// `claim`: only while it is held; it is told otherwise.
    void put(std::string_view query, std::string_view response, const Scope& scope, const PutOptions& put,
             ComputeClaim* claim = nullptr);
    /// What the options say; without vector, tags and dependencies.
    NewEntry entry(const Scope& scope, const std::string& hash, std::string_view query, std::string_view response,
                   const PutOptions& put) const;
    /// What `put` says had to go, which is tried again when the vectors were replaced meanwhile by others of the same
    /// embedder.
    std::vector<CacheGone> put_followed(const std::function<std::vector<CacheGone>()>& put, Deadline until);
    ComputedAnswer get_or_compute(std::string_view query, const Scope& scope, const Computation& compute,
                                  const ComputeOptions& options);
    /// Of what goes on in the background.
    void drain(Deadline until);
    /// Whether the skip rule keeps it out.
    bool skips(std::string_view query, std::size_t turns, const Scope& scope) const;
    CachePolicy policy(const std::string& tenant, Deadline until) const;
    /// From which similarity on; it gives all of `requests` the least confidence that goes with it.
    std::function<float()> threshold(std::span<GetRequest> requests, const Scope& scope, const GetOptions& get,
                                     Deadline until) const;
    /// A failure of the store as a miss, or throws it.
    GetOutcome outcome_of(const Error& error) const;
    /// Those of the same questions, and, of the others, by meaning.
    std::vector<GetOutcome> look_up_many(std::vector<GetRequest>& requests, const Scope& scope, const GetOptions& get,
                                         Deadline until);
    /// The vector of a question that is put; empty: it has none.
    std::vector<float> vector_for(const std::string& text, const PutOptions& put, Deadline until);
    /// One of put_many().
    struct Prepared;
    /// Those that are stored: of the same question the last one.
    std::vector<Prepared> prepare(std::span<const NewAnswer> answers, const Scope& scope) const;
    /// Their own vectors, and the embedder's of those that have none, in one batch. `all`: how many answers there were.
    void embed(std::vector<Prepared>& prepared, std::size_t all, Deadline until);
    /// The embedder's, of those that are put without one.
    std::vector<std::vector<float>> vectors_for(std::span<const std::string> texts, Deadline until);
    void count(const GetOutcome& outcome, const std::string& name_space);
    void remove_invalid(const GetOutcome& outcome, const std::string& name_space, Deadline until);
    void tell_removed(const CacheRemoved& removed);
    /// Tells it when it counts.
    void tell(CacheEvent::Kind kind, const std::string& name_space, std::int64_t entries, std::string_view reason = {});
    std::int64_t tell(const std::vector<CacheGone>& gone);
    OwnLimits own_limits() const;
    void store_quotas(Deadline until);
    void save_counters(Deadline until);

    const std::shared_ptr<Shared> shared;
    const SemanticCacheOptions& options;
    Embedder* const embedder;
    const std::shared_ptr<CacheStore> store;
    std::atomic<bool> closed{false};
    std::unique_ptr<Background> background;  // of a cache outside of transactions; the last: its tasks use the others

private:
    class Computing;
    GetOutcome search(GetRequest& request, const Scope& scope, const GetOptions& get, Deadline until);
    void tell(const GetOutcome& outcome, const std::string& name_space);
    void check_embedder(Deadline until);
    float threshold(const GetOptions& get, const CachePolicy& policy) const;
};

}  // namespace v0
}  // namespace stele
