#include "cache/semantic_cache_impl.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "cache/cache_checks.hpp"

namespace stele {
inline namespace v0 {

void SemanticCache::Impl::open() {
    check_threshold(options.similarity_threshold);
    check_ttl("default ttl", options.default_ttl);
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

GetOutcome SemanticCache::Impl::look_up(GetRequest& request, const GetOptions& get, Deadline until) {
    if (request.unit && store->dimension() == 0) {
        store->look(until);
        request.unit = checked(std::move(*request.unit));
    }
    request.by_meaning = store->dimension() != 0 && (request.unit || embedder != nullptr);
    const auto from = [this, &get] { return threshold(get); };
    return store->get(request, from, embedder, until);
}

float SemanticCache::Impl::threshold(const GetOptions& get) const {
    std::optional<float> chosen = get.similarity_threshold ? get.similarity_threshold : options.similarity_threshold;
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
    using Miss = GetOutcome::Miss;
    const Counter found = !outcome.hit                               ? Counter::misses
                          : outcome.hit->layer == HitLayer::semantic ? Counter::hits_semantic
                                                                     : Counter::hits_exact;
    if (outcome.hit && outcome.hit->layer == HitLayer::local) shared->hits_local.add(1);
    store->when_kept([shared = shared, name_space, found, expired = outcome.expired, miss = outcome.miss] {
        shared->counters.add(name_space, found);
        if (expired) shared->counters.add(name_space, Counter::expirations);
        if (miss == Miss::embedder_failed) ++shared->embedder_failures;
        if (miss == Miss::truncated) ++shared->truncated;
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
