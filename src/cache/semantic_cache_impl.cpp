#include "cache/semantic_cache_impl.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <limits>

#include "base/hash.hpp"
#include "cache/cache_checks.hpp"
#include "cache/lifetime.hpp"
#include "cache/once/once.hpp"
#include "cache/question_key.hpp"

namespace stele {
inline namespace v0 {

namespace {

SemanticCacheOptions with_defaults(SemanticCacheOptions options) {
    constexpr float kThreshold = 0.85f, kConfidence = 0.7f;
    if (!options.mneme_compatible) return options;
    if (!options.similarity_threshold) options.similarity_threshold = kThreshold;
    if (!options.min_confidence) options.min_confidence = kConfidence;
    return options;
}

}  // namespace

SemanticCache::Impl::Shared::Shared(std::shared_ptr<Embedder> made_by, SemanticCacheOptions chosen,
                                    std::function<void(const std::string&)> log)
    : embedder(std::move(made_by)),
      options(with_defaults(std::move(chosen))),
      guards(options, std::move(log)),
      threshold(options.similarity_threshold),
      events(options.on_event) {}

std::unique_ptr<SemanticCache::Impl> SemanticCache::Impl::make(std::shared_ptr<CacheStore> store,
                                                               std::shared_ptr<Embedder> embedder,
                                                               SemanticCacheOptions options) {
    const auto log = [store](const std::string& failure) {
        store->log(LogLevel::warning, "a guard of the cache: " + failure);
    };
    auto shared = std::make_shared<Shared>(std::move(embedder), std::move(options), log);
    shared->once = std::make_shared<Once>(store);
    auto impl = std::make_unique<Impl>(std::move(shared), std::move(store));
    impl->background = std::make_unique<Background>();
    return impl;
}

void SemanticCache::Impl::open() {
    check_threshold(options.similarity_threshold);
    check_lifetimes(options);
    check_graph(options.graph);
    check_guards(options);
    check_quota("max_entries or max_bytes", {options.max_entries, options.max_bytes});
    for (const auto& [tenant, quota] : options.quotas) check_tenant_quota(tenant, quota);
    const Deadline until = deadline({});
    check_embedder(until);
    store_quotas(until);
}

void SemanticCache::Impl::check_embedder(Deadline until) {
    CacheSettings settings = store->look(until);
    if (embedder == nullptr) return;
    const std::string dimension = std::to_string(embedder->dimension());
    if (!settings.fingerprint || !settings.dimension) {
        settings = store->claim(embedder->fingerprint(), embedder->dimension(), until);
    }
    // a fingerprint is missing only where the dimension kept it from being claimed, and the other way round
    if (settings.fingerprint && settings.fingerprint != embedder->fingerprint()) {
        raise(
            ErrorCode::fingerprint_mismatch,
            fmt::format("the vectors in {} were made by the embedder '{}', not by '{}'; use that embedder, or another "
                        "schema (their vectors cannot be compared: to switch, `stele cache reembed`)",
                        store->describe(), *settings.fingerprint, embedder->fingerprint()));
    }
    if (settings.dimension != dimension) {
        raise(ErrorCode::dimension_mismatch,
              fmt::format(
                  "the vectors in {} have {} elements, the embedder's {}; use another schema, or `stele cache reembed`",
                  store->describe(), settings.dimension.value_or("?"), dimension));
    }
}

void SemanticCache::Impl::close(const std::optional<Deadline>& given) {
    if (closed.exchange(true) || store->in_transaction()) return;
    shared->closed = true;
    const Deadline until = deadline(given);
    std::exception_ptr failure;
    try {
        drain(until);
        store->flush(until);
    } catch (const Error&) {
        failure = std::current_exception();  // the counters may be saved all the same
    }
    save_counters(until);
    if (failure) std::rethrow_exception(failure);
}

void SemanticCache::Impl::check_open() const {
    if (closed || shared->closed) raise(ErrorCode::closed, "the cache was closed");
}

std::string SemanticCache::Impl::key_text(std::string_view query) const {
    return question_key(query, options.normalize, options.fold_case);
}

GetOutcome SemanticCache::Impl::look_up(std::string_view query, const Scope& scope, const GetOptions& get,
                                        std::optional<std::size_t> explain) {
    GetRequest looked_for = request(query, scope);
    looked_for.explain = explain;
    GetOutcome outcome = find(looked_for, scope, get);
    if (!explain) count(outcome, looked_for.name_space);
    return outcome;
}

GetOutcome SemanticCache::Impl::find(GetRequest& request, const Scope& scope, const GetOptions& get) {
    check_threshold(get.similarity_threshold);
    GetOutcome outcome;
    if (get.bypass) {
        outcome.miss = MissReason::bypass;
    } else if (skips(request.asked, get.turns, scope)) {
        outcome.miss = MissReason::skipped;
    } else {
        try {
            const Deadline until = deadline(get.deadline);
            outcome = search(request, scope, get, until);
            if (options.mneme_compatible && !request.explain) remove_invalid(outcome, request.name_space, until);
        } catch (const Error& error) {
            outcome = outcome_of(error);
        }
    }
    if (outcome.miss == MissReason::embedder_failure) {
        store->log(LogLevel::warning, fmt::format("Embedder failed, get is a miss: {}", outcome.embedder_error));
    }
    return outcome;
}

GetRequest SemanticCache::Impl::request(std::string_view query, const Scope& scope) const {
    GetRequest request;
    request.name_space = scope.stored_namespace();
    request.query = key_text(query);
    request.hash = query_hash(request.query);
    request.asked = query;
    request.guards = &shared->guards;
    return request;
}

// A transaction in which a statement failed is over: that is no miss.
GetOutcome SemanticCache::Impl::outcome_of(const Error& error) const {
    GetOutcome outcome;
    if (error.code() == ErrorCode::fingerprint_mismatch) {
        outcome.miss = MissReason::embedder_failure;
        outcome.embedder_error = error.info().message;
    } else if (error.code() == ErrorCode::dimension_mismatch || error.code() == ErrorCode::limit_exceeded) {
        const bool mismatch = error.code() == ErrorCode::dimension_mismatch;
        outcome.miss = mismatch ? MissReason::dim_mismatch : MissReason::index_full;
        store->log(LogLevel::warning, fmt::format("get is a miss: {}", error.info().message));
    } else if (!options.miss_when_unavailable || !is_outage(error.code()) || store->in_transaction()) {
        throw;
    } else {
        outcome.miss = MissReason::unavailable;
        store->log(LogLevel::warning,
                   fmt::format("get is a miss, the store cannot be reached: {}", error.info().message));
    }
    return outcome;
}

bool SemanticCache::Impl::skips(std::string_view query, std::size_t turns, const Scope& scope) const {
    const SkipRule& rule = options.skip;
    return (rule.max_turns && turns > *rule.max_turns) || (rule.max_bytes && query.size() > *rule.max_bytes) ||
           (rule.when && rule.when(query, scope));
}

GetOutcome SemanticCache::Impl::search(GetRequest& request, const Scope& scope, const GetOptions& get, Deadline until) {
    if (get.embedding) {
        request.unit = checked(*get.embedding);
        if (store->dimension() == 0) {
            store->look(until);
            request.unit = checked(std::move(*request.unit));
        }
    }
    request.by_meaning = request.by_meaning && store->dimension() != 0 && (request.unit || embedder != nullptr);
    GetOutcome outcome = store->get(request, threshold({&request, 1}, scope, get, until), embedder, until);
    // what was found by meaning has it already: it was asked for it
    if (outcome.hit && outcome.hit->layer != HitLayer::semantic) shared->guards.set_confidence(*outcome.hit);
    return outcome;
}

// A hit that was found is not lost over it.
void SemanticCache::Impl::remove_invalid(const GetOutcome& outcome, const std::string& name_space, Deadline until) {
    for (const GetOutcome::Invalid& invalid : outcome.invalid) {
        try {
            store->remove_answer(name_space, invalid.hash, invalid.response, until);
        } catch (const Error& error) {
            if (!is_outage(error.code()) || store->in_transaction()) throw;
            store->log(LogLevel::warning, fmt::format("an answer that the validator refuses could not be removed: {}",
                                                      error.info().message));
            return;
        }
    }
}

CachePolicy SemanticCache::Impl::policy(const std::string& tenant, Deadline until) const {
    const std::shared_ptr<const CachePolicies> policies = store->known_policies(until);
    const auto found = policies->find(tenant);
    return found == policies->end() ? CachePolicy() : found->second;
}

std::function<float()> SemanticCache::Impl::threshold(std::span<GetRequest> requests, const Scope& scope,
                                                      const GetOptions& get, Deadline until) const {
    return [this, requests, &scope, &get, until] {
        const CachePolicy settled = policy(scope.tenant(), until);
        for (GetRequest& each : requests) each.min_confidence = settled.min_confidence;
        return threshold(get, settled);
    };
}

float SemanticCache::Impl::threshold(const GetOptions& get, const CachePolicy& policy) const {
    std::optional<float> chosen = get.similarity_threshold;
    if (!chosen) chosen = policy.similarity_threshold;
    if (!chosen) chosen = shared->threshold.load();
    if (!chosen && embedder != nullptr) chosen = embedder->threshold();
    if (!chosen) {
        raise(ErrorCode::invalid_argument,
              fmt::format(
                  "no similarity threshold is known for the vectors of {}: set similarity_threshold "
                  "(docs/embedders.md tells how to find it)",
                  embedder != nullptr ? fmt::format("the embedder '{}'", embedder->fingerprint()) : "the caller"));
    }
    return *chosen;
}

void SemanticCache::Impl::put(std::string_view query, std::string_view response, const Scope& scope,
                              const PutOptions& put, ComputeClaim* claim) {
    check_put(query, response, put, options);
    const std::vector<std::string> tags = checked_tags(put.tags);
    const std::vector<Dependency> depends_on = checked_dependencies(put.depends_on);
    const Deadline until = deadline(put.deadline);
    const std::string text = key_text(query);
    const std::string hash = query_hash(text);
    const std::vector<float> vector = vector_for(text, put, until);
    NewEntry made = entry(scope, hash, query, response, put);
    made.unit = vector;
    made.tags = tags;
    made.depends_on = depends_on;
    made.claim = claim;
    const std::vector<CacheGone> gone = put_followed([&] { return store->put(made, own_limits(), until); }, until);
    if (claim == nullptr || !claim->replaced) tell(CacheEvent::Kind::put, scope.stored_namespace(), 1);
    tell(gone);
}

NewEntry SemanticCache::Impl::entry(const Scope& scope, const std::string& hash, std::string_view query,
                                    std::string_view response, const PutOptions& put) const {
    const auto seconds = [&](const std::optional<std::chrono::seconds>& lifetime) -> std::optional<std::int64_t> {
        if (!lifetime || put.never_expires) return std::nullopt;
        return jittered(*lifetime, options.ttl_jitter, hash).count();
    };
    return {.scope = scope,
            .hash = hash,
            .query = query,
            .response = response,
            .unit = {},
            .metadata = put.metadata,
            .ttl = seconds(put.ttl),
            .by_default = !put.never_expires,
            .default_ttl = seconds(options.default_ttl)};
}

std::vector<CacheGone> SemanticCache::Impl::put_followed(const std::function<std::vector<CacheGone>()>& put,
                                                         Deadline until) {
    try {
        return put();
    } catch (const Error& error) {
        if (error.code() != ErrorCode::fingerprint_mismatch) throw;
    }
    store->follow(embedder, until);
    return put();
}

std::vector<float> SemanticCache::Impl::vector_for(const std::string& text, const PutOptions& put, Deadline until) {
    if (put.embedding) {
        std::vector<float> vector = checked(*put.embedding);
        if (store->dimension() != 0) return vector;
        const CacheSettings settings = store->claim(std::nullopt, vector.size(), until);
        if (store->dimension() != 0) return checked(std::move(vector));
        raise(
            ErrorCode::dimension_mismatch,
            fmt::format("how long the vectors of the embedder '{}' are is not known yet: open the cache with it first",
                        settings.fingerprint.value_or("?")));
    }
    if (embedder == nullptr) return {};  // found by its wording only
    Embedding embedding = embedder->embed_one(text, until);
    return embedding.truncated ? std::vector<float>() : checked(std::move(embedding.vector));
}

std::vector<std::vector<float>> SemanticCache::Impl::vectors_for(std::span<const std::string> texts, Deadline until) {
    std::vector<std::vector<float>> vectors(texts.size());
    if (embedder == nullptr || texts.empty()) return vectors;
    const std::vector<std::string_view> views(texts.begin(), texts.end());
    std::vector<Embedding> all = embedder->embed(views, until);
    for (std::size_t i = 0; i < vectors.size(); ++i) {
        if (!all.at(i).truncated) vectors[i] = checked(std::move(all[i].vector));
    }
    return vectors;
}

void SemanticCache::Impl::tell_removed(const CacheRemoved& removed) {
    for (const auto& [name, entries] : removed) tell(CacheEvent::Kind::removed, name, entries);
}

void SemanticCache::Impl::count(const GetOutcome& outcome, const std::string& name_space) {
    const Counter found = !outcome.hit                               ? Counter::misses
                          : outcome.hit->layer == HitLayer::semantic ? Counter::hits_semantic
                                                                     : Counter::hits_exact;
    if (outcome.hit && outcome.hit->layer == HitLayer::local) shared->hits_local.add(1);
    store->when_kept([shared = shared, name_space, found, expired = outcome.expired, miss = outcome.miss] {
        shared->counters.add(name_space, found);
        if (expired) shared->counters.add(name_space, Counter::expirations);
        if (miss == MissReason::embedder_failure) ++shared->embedder_failures;
        if (miss == MissReason::truncated) ++shared->truncated;
        if (miss == MissReason::unavailable) ++shared->unavailable;
        if (miss == MissReason::refused_by_guard) ++shared->refused;
        if (miss == MissReason::outdated) ++shared->outdated;
        if (miss == MissReason::skipped) ++shared->skipped;
    });
    if (shared->events.heard()) tell(outcome, name_space);
}

void SemanticCache::Impl::tell(const GetOutcome& outcome, const std::string& name_space) {
    // the answer may have been handed out long before it is told
    store->when_kept([shared = shared, store = store->outside(), name_space, hit = outcome.hit,
                      expired = outcome.expired, miss = outcome.miss] {
        using Kind = CacheEvent::Kind;
        if (expired) shared->events.tell({.kind = Kind::expired, .name_space = name_space}, *store);
        if (hit) {
            shared->events.tell({.kind = Kind::hit, .name_space = name_space, .hit = &*hit}, *store);
        } else {
            const std::string_view reason = to_string(miss.value_or(MissReason::no_match));
            shared->events.tell({.kind = Kind::miss, .name_space = name_space, .reason = reason}, *store);
        }
    });
}

// The reason is one of the library's own words.
void SemanticCache::Impl::tell(CacheEvent::Kind kind, const std::string& name_space, std::int64_t entries,
                               std::string_view reason) {
    if (!shared->events.heard()) return;
    store->when_kept([shared = shared, store = store->outside(), kind, name_space, entries, reason] {
        shared->events.tell({.kind = kind, .name_space = name_space, .count = entries, .reason = reason}, *store);
    });
}

std::int64_t SemanticCache::Impl::tell(const std::vector<CacheGone>& gone) {
    std::int64_t all = 0;
    for (const CacheGone& each : gone) all += each.evicted + each.expired;
    if (shared->events.heard() && all > 0) {
        store->when_kept([shared = shared, store = store->outside(), gone] { shared->events.tell(gone, *store); });
    }
    return all;
}

OwnLimits SemanticCache::Impl::own_limits() const {
    constexpr auto kMost = static_cast<std::size_t>(std::numeric_limits<std::int64_t>::max());
    return {{options.max_entries, options.max_bytes},
            static_cast<std::int64_t>(std::min(options.evict_at_once, kMost))};
}

void SemanticCache::Impl::store_quotas(Deadline until) {
    for (const auto& [tenant, quota] : options.quotas) {
        const auto stored = store->quotas(tenant, until);
        if (stored.contains(tenant) && stored.at(tenant) == quota)
            continue;  // else each process would write at its start
        tell(store->set_limits(tenant, quota, until));
    }
}

void SemanticCache::Impl::save_counters(Deadline until) {
    const Counters::Batch batch = shared->counters.take();
    if (batch.empty()) return;
    try {
        store->save(batch, until);
    } catch (const Error& error) {
        if (!error.in_doubt()) shared->counters.put_back(batch);
        throw;
    }
}

}  // namespace v0
}  // namespace stele
