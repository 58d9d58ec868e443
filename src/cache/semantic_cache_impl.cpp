#include "cache/semantic_cache_impl.hpp"

#include <fmt/format.h>

#include "base/hash.hpp"
#include "base/text.hpp"
#include "cache/cache_checks.hpp"

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
      threshold(options.similarity_threshold) {}

std::unique_ptr<SemanticCache::Impl> SemanticCache::Impl::make(std::shared_ptr<CacheStore> store,
                                                               std::shared_ptr<Embedder> embedder,
                                                               SemanticCacheOptions options) {
    const auto log = [store](const std::string& failure) {
        store->log(LogLevel::warning, "a guard of the cache: " + failure);
    };
    auto shared = std::make_shared<Shared>(std::move(embedder), std::move(options), log);
    return std::make_unique<Impl>(std::move(shared), std::move(store));
}

void SemanticCache::Impl::open() {
    check_threshold(options.similarity_threshold);
    check_ttl("default ttl", options.default_ttl);
    check_guards(options);
    const Deadline until = deadline({});
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
                        "schema (their vectors cannot be compared: to switch, reembed)",
                        store->describe(), *settings.fingerprint, embedder->fingerprint()));
    }
    if (settings.dimension != dimension) {
        raise(ErrorCode::dimension_mismatch,
              fmt::format("the vectors in {} have {} elements, the embedder's {}; use another schema, or reembed",
                          store->describe(), settings.dimension.value_or("?"), dimension));
    }
}

void SemanticCache::Impl::close(const std::optional<Deadline>& given) {
    if (closed.exchange(true) || store->in_transaction()) return;
    shared->closed = true;
    const Deadline until = deadline(given);
    store->flush(until);
    save_counters(until);
}

void SemanticCache::Impl::check_open() const {
    if (closed || shared->closed) raise(ErrorCode::closed, "the cache was closed");
}

std::string SemanticCache::Impl::key_text(std::string_view query) const {
    if (options.normalize) return normalized_query(query);
    check_text("the query", query);
    return std::string(query);
}

GetOutcome SemanticCache::Impl::look_up(std::string_view query, const Scope& scope, const GetOptions& get,
                                        std::optional<std::size_t> explain) {
    check_threshold(get.similarity_threshold);
    GetRequest request;
    request.name_space = scope.stored_namespace();
    request.query = key_text(query);
    request.hash = query_hash(request.query);
    request.asked = query;
    request.guards = &shared->guards;
    request.explain = explain;
    GetOutcome outcome;
    if (get.bypass) {
        outcome.miss = MissReason::bypass;
    } else {
        try {
            const Deadline until = deadline(get.deadline);
            outcome = search(request, get, until);
            if (options.mneme_compatible && !explain) remove_invalid(outcome, request.name_space, until);
        } catch (const Error& error) {
            if (error.code() == ErrorCode::dimension_mismatch) {
                outcome.miss = MissReason::dim_mismatch;
                store->log(LogLevel::warning, fmt::format("get is a miss: {}", error.info().message));
            } else if (!options.miss_when_unavailable || !is_outage(error.code()) || store->in_transaction()) {
                throw;  // a transaction in which a statement failed is over: that is no miss
            } else {
                outcome.miss = MissReason::unavailable;
                store->log(LogLevel::warning,
                           fmt::format("get is a miss, the store cannot be reached: {}", error.info().message));
            }
        }
    }
    if (outcome.miss == MissReason::embedder_failure) {
        store->log(LogLevel::warning, fmt::format("Embedder failed, get is a miss: {}", outcome.embedder_error));
    }
    if (!explain) count(outcome, request.name_space);
    return outcome;
}

GetOutcome SemanticCache::Impl::search(GetRequest& request, const GetOptions& get, Deadline until) {
    if (get.embedding) {
        request.unit = checked(*get.embedding);
        if (store->dimension() == 0) {
            store->look(until);
            request.unit = checked(std::move(*request.unit));
        }
    }
    request.by_meaning = store->dimension() != 0 && (request.unit || embedder != nullptr);
    const auto from = [this, &get] { return threshold(get); };
    return store->get(request, from, embedder, until);
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

float SemanticCache::Impl::threshold(const GetOptions& get) const {
    std::optional<float> chosen = get.similarity_threshold ? get.similarity_threshold : shared->threshold.load();
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
    });
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
