#include "stele/semantic_cache.hpp"

#include <fmt/format.h>

#include <atomic>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "base/hash.hpp"
#include "base/text.hpp"
#include "cache/cache_sql.hpp"
#include "cache/counters.hpp"
#include "cache/entry_vector.hpp"
#include "cache/get_operation.hpp"
#include "cache/vector_memory.hpp"

namespace stele {
inline namespace v0 {
namespace {

// The store is away, as opposed to: the store says no.
bool is_outage(ErrorCode code) {
    return code == ErrorCode::unavailable || code == ErrorCode::pool_exhausted ||
           code == ErrorCode::deadline_exceeded || code == ErrorCode::resources || code == ErrorCode::cluster;
}

void check_limit(std::string_view what, std::size_t bytes, std::size_t limit) {
    if (bytes > limit) {
        raise(ErrorCode::limit_exceeded,
              fmt::format("the {} has {} bytes; this cache takes at most {} (max_{}_bytes)", what, bytes, limit, what));
    }
}

void check_threshold(float threshold) {
    if (!(threshold >= -1.0f && threshold <= 1.0f)) {
        raise(ErrorCode::invalid_argument,
              fmt::format("the similarity threshold {} is not within -1 and 1", threshold));
    }
}

void check_ttl(std::string_view what, const std::optional<std::chrono::seconds>& ttl) {
    constexpr std::chrono::seconds kLongest = std::chrono::hours(24) * 36'525;
    if (ttl && (ttl->count() < 1 || *ttl > kLongest)) {
        raise(
            ErrorCode::invalid_argument,
            fmt::format("the {} is {} s; it must be between 1 s and 100 years ({} s; for longer, let it never expire)",
                        what, ttl->count(), kLongest.count()));
    }
}

// What the tables' vectors are, as far as that is settled.
struct Settings {
    std::optional<std::string> fingerprint, dimension;
};

}  // namespace

std::string_view to_string(HitLayer layer) noexcept {
    return layer == HitLayer::exact ? "exact" : "semantic";
}

std::string normalized_query(std::string_view query) {
    check_text("the query", query);
    return normalize_query(query);
}

struct SemanticCache::Impl {
    Impl(Database db, std::shared_ptr<Embedder> made_by, SemanticCacheOptions chosen)
        : database(std::move(db)), embedder(std::move(made_by)), options(chosen), sql(database.quoted_schema()) {}

    void open();
    Settings look(std::vector<Statement> first, Deadline until);
    Settings claim(const std::optional<std::string>& fingerprint, std::size_t length, Deadline until);
    Deadline deadline(const std::optional<Deadline>& given) const {
        return given ? *given : Deadline::after(database.options().call_timeout);
    }
    void check_open() const {
        if (closed) raise(ErrorCode::closed, "the cache was closed");
    }
    std::string key_text(std::string_view query) const {
        if (options.normalize) return normalized_query(query);
        check_text("the query", query);
        return std::string(query);
    }
    std::vector<float> checked(std::vector<float> vector) const {
        const VectorMemory* known = memory;
        return checked_vector(std::move(vector), known == nullptr ? 0 : known->dimension());
    }
    float threshold(const GetOptions& get) const;
    std::optional<Hit> count(const GetOutcome& outcome, const std::string& name_space);
    std::vector<float> vector_for(const std::string& text, const PutOptions& put, Deadline until);
    void save_counters(Deadline until);

    Database database;
    std::shared_ptr<Embedder> embedder;
    SemanticCacheOptions options;
    CacheSql sql;
    Mutex learning;
    std::unique_ptr<VectorMemory> memory_owner STELE_GUARDED_BY(learning);
    std::atomic<VectorMemory*> memory{nullptr};  // null: how long the tables' vectors are is not known yet
    Counters counters;
    std::atomic<std::int64_t> unavailable{0}, embedder_failures{0}, truncated{0};
    std::atomic<bool> closed{false};
    Mutex scopes_mutex;
    std::set<std::string> known_scopes STELE_GUARDED_BY(scopes_mutex);
};

void SemanticCache::Impl::open() {
    if (options.similarity_threshold) check_threshold(*options.similarity_threshold);
    check_ttl("default ttl", options.default_ttl);
    const Deadline until = deadline({});
    Settings settings = look({}, until);
    if (!embedder) return;
    const std::string dimension = std::to_string(embedder->dimension());
    if (!settings.fingerprint || !settings.dimension) {
        settings = claim(embedder->fingerprint(), embedder->dimension(), until);
    }
    // a fingerprint is missing only where the dimension kept it from being claimed, and the other way round
    if (settings.fingerprint && settings.fingerprint != embedder->fingerprint()) {
        raise(ErrorCode::fingerprint_mismatch,
              fmt::format("the vectors in {} (schema {}) were made by the embedder '{}', not by '{}'; use that "
                          "embedder, or another schema (their vectors cannot be compared: to switch, reembed)",
                          database.describe(), database.schema(), *settings.fingerprint, embedder->fingerprint()));
    }
    if (settings.dimension != dimension) {
        raise(ErrorCode::dimension_mismatch,
              fmt::format(
                  "the vectors in {} (schema {}) have {} elements, the embedder's {}; use another schema, or reembed",
                  database.describe(), database.schema(), settings.dimension.value_or("?"), dimension));
    }
}

// Reads what the tables' vectors are, after other statements; once their length is known, they can be kept in memory.
Settings SemanticCache::Impl::look(std::vector<Statement> first, Deadline until) {
    first.push_back(Statement(sql.settings).repeatable());
    first.push_back(Statement(sql.position).repeatable());
    const std::vector<Rows> rows = database.run(first, until);
    Settings settings;
    for (const Row& row : rows[rows.size() - 2]) {
        const bool of_dimension = row.get<std::string_view>("key") == "embedder_dim";
        (of_dimension ? settings.dimension : settings.fingerprint) = row.get<std::string>("value");
    }
    const std::size_t dimension = settings.dimension ? std::strtoull(settings.dimension->c_str(), nullptr, 10) : 0;
    MutexLock lock(learning);
    if (dimension != 0 && !memory_owner) {
        memory_owner = std::make_unique<VectorMemory>(sql, dimension, TablePosition::read(rows.back()[0]));
        memory = memory_owner.get();
    }
    return settings;
}

// The counter's row keeps other claims, and puts, out until all of it is done.
Settings SemanticCache::Impl::claim(const std::optional<std::string>& fingerprint, std::size_t length, Deadline until) {
    return look({Statement(sql.hold_version).repeatable(),
                 Statement(sql.claim, fingerprint, std::to_string(length)).repeatable(),
                 Statement(sql.fill_vectors).repeatable()},
                until);
}

float SemanticCache::Impl::threshold(const GetOptions& get) const {
    std::optional<float> chosen = get.similarity_threshold ? get.similarity_threshold : options.similarity_threshold;
    if (!chosen && embedder) chosen = embedder->threshold();
    if (!chosen) {
        raise(ErrorCode::invalid_argument,
              fmt::format("no similarity threshold is known for the vectors of {}: set similarity_threshold "
                          "(docs/embedders.md tells how to find it)",
                          embedder ? fmt::format("the embedder '{}'", embedder->fingerprint()) : "the caller"));
    }
    return *chosen;
}

std::optional<Hit> SemanticCache::Impl::count(const GetOutcome& outcome, const std::string& name_space) {
    if (outcome.expired) counters.add(name_space, Counter::expirations);
    if (outcome.hit) {
        counters.add(name_space, outcome.hit->layer == HitLayer::exact ? Counter::hits_exact : Counter::hits_semantic);
    } else {
        counters.add(name_space, Counter::misses);
        if (outcome.miss == GetOutcome::Miss::embedder_failed) ++embedder_failures;
        if (outcome.miss == GetOutcome::Miss::truncated) ++truncated;
    }
    return outcome.hit;
}

std::vector<float> SemanticCache::Impl::vector_for(const std::string& text, const PutOptions& put, Deadline until) {
    if (put.embedding) {
        std::vector<float> vector = checked(*put.embedding);
        if (memory != nullptr) return vector;
        const Settings settings = claim(std::nullopt, vector.size(), until);
        if (memory != nullptr) return checked(std::move(vector));
        raise(
            ErrorCode::dimension_mismatch,
            fmt::format("how long the vectors of the embedder '{}' are is not known yet: open the cache with it first",
                        settings.fingerprint.value_or("?")));
    }
    if (!embedder) return {};  // found by its wording only
    Embedding embedding = embedder->embed_one(text, until);
    return embedding.truncated ? std::vector<float>() : checked(std::move(embedding.vector));
}

void SemanticCache::Impl::save_counters(Deadline until) {
    const Counters::Batch batch = counters.take();
    if (batch.empty()) return;
    try {
        database.execute(Statement(sql.add_counters, batch.namespaces, batch.names, batch.values), until);
    } catch (const Error& error) {
        if (!error.in_doubt()) counters.put_back(batch);
        throw;
    }
}

SemanticCache::SemanticCache(Database database, std::shared_ptr<Embedder> embedder, SemanticCacheOptions options)
    : impl_(std::make_unique<Impl>(std::move(database), std::move(embedder), options)) {
    impl_->open();
}

SemanticCache::SemanticCache(SemanticCache&&) noexcept = default;
SemanticCache& SemanticCache::operator=(SemanticCache&&) noexcept = default;

SemanticCache::~SemanticCache() {
    if (!impl_) return;
    try {
        close(Deadline::after(std::chrono::seconds(5)));
    } catch (const std::exception& error) {
        const LogCallback& log = impl_->database.options().log;
        if (log) log(LogLevel::warning, fmt::format("the cache's counters could not be saved: {}", error.what()));
    }
}

std::optional<Hit> SemanticCache::get(std::string_view query, const Scope& scope, const GetOptions& options) {
    Impl& impl = *impl_;
    impl.check_open();
    if (options.similarity_threshold) check_threshold(*options.similarity_threshold);
    GetRequest request;
    request.name_space = scope.stored_namespace();
    request.query = impl.key_text(query);
    request.hash = query_hash(request.query);
    if (options.embedding) request.unit = impl.checked(*options.embedding);
    if (options.bypass) {
        impl.counters.add(request.name_space, Counter::misses);
        return std::nullopt;
    }
    const Deadline until = impl.deadline(options.deadline);
    try {
        if (request.unit && impl.memory == nullptr) {
            impl.look({}, until);
            request.unit = impl.checked(std::move(*request.unit));
        }
        VectorMemory* const memory = impl.memory;
        request.by_meaning = memory != nullptr && (request.unit || impl.embedder);
        Neighbours neighbours;
        if (request.by_meaning) {
            neighbours.threshold = [&] { return impl.threshold(options); };
            neighbours.observe = [&, before = memory->mark()](std::int64_t version) {
                memory->observe(before, version, impl.database, until);
            };
            neighbours.search = [&](std::span<const float> unit, std::size_t k, float min_score) {
                return memory->search(request.name_space, unit, k, min_score, impl.database, until);
            };
            neighbours.forget = [&](std::int64_t id) { memory->forget(request.name_space, id); };
            neighbours.distrust = [&] { memory->distrust(); };
            neighbours.check = [&](std::vector<float> vector) { return impl.checked(std::move(vector)); };
        }
        return impl.count(
            drive(get_operation(impl.sql, request, neighbours), impl.database, impl.embedder.get(), until),
            request.name_space);
    } catch (const Error& error) {
        if (!impl.options.miss_when_unavailable || !is_outage(error.code())) throw;
        ++impl.unavailable;
        impl.counters.add(request.name_space, Counter::misses);
        const LogCallback& log = impl.database.options().log;
        if (log)
            log(LogLevel::warning, fmt::format("get is a miss, the store cannot be reached: {}", error.info().message));
        return std::nullopt;
    }
}

void SemanticCache::put(std::string_view query, std::string_view response, const Scope& scope,
                        const PutOptions& options) {
    Impl& impl = *impl_;
    impl.check_open();
    check_limit("query", query.size(), impl.options.max_query_bytes);
    check_limit("response", response.size(), impl.options.max_response_bytes);
    check_limit("metadata", options.metadata.text().size(), impl.options.max_metadata_bytes);
    check_text("the response", response);
    if (!options.metadata.is_object()) raise(ErrorCode::invalid_argument, "the metadata is not a JSON object");
    check_ttl("ttl", options.ttl);
    const Deadline until = impl.deadline(options.deadline);
    const std::string text = impl.key_text(query);
    const std::string hash = query_hash(text);
    const std::vector<float> vector = impl.vector_for(text, options, until);

    std::optional<std::int64_t> ttl;
    if (const auto lifetime = options.ttl ? options.ttl : impl.options.default_ttl;
        lifetime && !options.never_expires) {
        ttl = lifetime->count();
    }
    const std::string& name_space = scope.stored_namespace();
    std::vector<Statement> batch;
    bool new_scope = false;
    if (!scope.attributes().empty()) {
        MutexLock lock(impl.scopes_mutex);
        new_scope = !impl.known_scopes.contains(name_space);
    }
    if (new_scope) {
        batch.emplace_back(impl.sql.put_scope, name_space, scope.tenant(),
                           Json::trusted(nlohmann::json(scope.attributes()).dump()));
    }
    batch.emplace_back(impl.sql.raise_version);
    batch.emplace_back(impl.sql.upsert, name_space, hash, query, response, encode_entry_vector(vector),
                       options.metadata, ttl);
    VectorMemory* const memory = impl.memory;
    const VectorMemory::Mark before = memory == nullptr ? VectorMemory::Mark{} : memory->mark();
    const std::vector<Rows> rows = impl.database.run(batch, until);
    if (new_scope) {
        MutexLock lock(impl.scopes_mutex);
        impl.known_scopes.insert(name_space);
    }
    if (memory != nullptr) {
        const Row row = rows.back()[0];
        memory->stored(before, name_space, row.get<std::int64_t>("id"),
                       {.question = question_tag(hash),
                        .writer = row.get<std::int64_t>("writer"),
                        .version = rows[rows.size() - 2][0].get<std::int64_t>("version")},
                       vector);
    }
}

bool SemanticCache::remove(std::string_view query, const Scope& scope, std::optional<Deadline> deadline) {
    Impl& impl = *impl_;
    impl.check_open();
    const std::string& name_space = scope.stored_namespace();
    // the counter's row first, as put does, so that the two never wait for each other in a circle
    const Statement batch[] = {Statement(impl.sql.hold_version),
                               Statement(impl.sql.remove, name_space, query_hash(impl.key_text(query)))};
    VectorMemory* const memory = impl.memory;
    const VectorMemory::Mark before = memory == nullptr ? VectorMemory::Mark{} : memory->mark();
    const std::vector<Rows> rows = impl.database.run(batch, impl.deadline(deadline));
    if (rows[1].empty()) return false;
    // without the counter's row nobody can be told; searches find the row gone
    const auto version = rows[1][0].find<std::int64_t>("version");
    if (memory != nullptr && version) {
        memory->removed(before, name_space, rows[1][0].get<std::int64_t>("id"), *version);
    }
    return true;
}

CacheStats SemanticCache::stats(const std::optional<Scope>& scope, std::optional<Deadline> deadline) {
    Impl& impl = *impl_;
    impl.check_open();
    const Deadline until = impl.deadline(deadline);
    impl.save_counters(until);
    std::optional<std::string> name_space;
    if (scope) name_space = scope->stored_namespace();
    const Statement batch[] = {Statement(impl.sql.counters, name_space).repeatable(),
                               Statement(impl.sql.count_entries, name_space).repeatable()};
    const std::vector<Rows> rows = impl.database.run(batch, until);
    const Counters::Values values = Counters::read(rows[0]);
    const auto value = [&values](Counter counter) { return values[static_cast<std::size_t>(counter)]; };
    CacheStats stats;
    stats.entries = rows[1][0].get<std::int64_t>("entries");
    stats.hits_exact = value(Counter::hits_exact);
    stats.hits_semantic = value(Counter::hits_semantic);
    stats.misses = value(Counter::misses);
    stats.expirations = value(Counter::expirations);
    stats.unavailable = impl.unavailable;
    stats.embedder_failures = impl.embedder_failures;
    stats.truncated = impl.truncated;
    if (const VectorMemory* const memory = impl.memory) {
        const VectorMemory::Size size = name_space ? memory->size(*name_space) : memory->size();
        stats.index_rows = size.rows;
        stats.index_bytes = size.bytes;
    }
    return stats;
}

std::vector<CacheEntry> SemanticCache::list(const Scope& scope, std::size_t limit, std::optional<std::int64_t> before,
                                            std::optional<Deadline> deadline) {
    Impl& impl = *impl_;
    impl.check_open();
    const std::int64_t last = before.value_or(std::numeric_limits<std::int64_t>::max());
    const Rows rows = impl.database.query(
        Statement(impl.sql.list, scope.stored_namespace(), last, static_cast<std::int64_t>(limit)).repeatable(),
        impl.deadline(deadline));
    std::vector<CacheEntry> entries;
    for (const Row& row : rows) {
        CacheEntry entry;
        entry.id = row.get<std::int64_t>("id");
        entry.stored_namespace = row.get<std::string>("namespace");
        entry.query = row.get<std::string>("query");
        entry.response = row.get<std::string>("response");
        entry.metadata = row.get<Json>("metadata");
        entry.age = std::chrono::seconds(std::max<std::int64_t>(row.get<std::int64_t>("age"), 0));
        if (const auto ttl = row.find<std::int64_t>("ttl")) entry.ttl = std::chrono::seconds(*ttl);
        entries.push_back(std::move(entry));
    }
    return entries;
}

void SemanticCache::close(std::optional<Deadline> deadline) {
    if (impl_->closed.exchange(true)) return;
    impl_->save_counters(impl_->deadline(deadline));
}

}  // namespace v0
}  // namespace stele
