#include "cache/postgres_cache_store.hpp"

#include <fmt/format.h>

#include <cstdlib>

#include "cache/cache_caps.hpp"
#include "cache/cache_statements.hpp"
#include "cache/entry_vector.hpp"
#include "cache/joined_cache_store.hpp"
#include "cache/many_lookup.hpp"
#include "cache/vector_copy.hpp"
#include "postgres/database_impl.hpp"

namespace stele {
namespace {

// Whose changes make what is current of something another.
bool has_heads(std::string_view store) {
    return store == "heads" || store == "templates" || store == "configurations";
}

/// A moment before an answer is asked for.
struct Began {
    BootClock::time_point time = BootClock::now();
    std::uint64_t heads;
};

LocalAnswers::Answers::Pointer read_answer(const Rows& rows, const HeadChanges& heads, const Began& began) {
    if (rows.empty()) return nullptr;
    LocalAnswer answer{read_hit(rows[0], 1.0f, HitLayer::exact), std::nullopt, began.time};
    answer.heads = heads.seen(read_made_from(rows[0]), began.heads);
    answer.outdated = read_state(rows[0]) == EntryState::outdated;
    if (const auto ttl = rows[0].find<std::int64_t>("ttl")) answer.ttl = std::chrono::seconds(*ttl);
    return std::make_shared<const LocalAnswer>(std::move(answer));
}

}  // namespace

PostgresCacheStore::PostgresCacheStore(Database database, const SemanticCacheOptions& options)
    : database_(std::move(database)),
      sql_(database_.quoted_schema()),
      caps_(database_.quoted_schema()),
      claims_(database_, sql_),
      access_times_(options.access_times),
      accesses_(database_, sql_),
      local_(options.access_times == AccessTimes::within_call ? 0 : options.local_entries, options.local_bytes),
      policies_({.limit = 1, .ttl = LoadingCache<CachePolicies>::Clock::duration::max()}),
      format_(options.vector_format),
      index_bytes_(options.index_bytes),
      index_backend_(options.index_backend),
      graph_(options.graph),
      snapshot_(options.index_snapshot),
      follower_(*database_.impl().changes),
      subscription_(follower_.subscribe(*this)) {}

std::size_t PostgresCacheStore::dimension() const noexcept {
    const VectorMemory* const memory = memory_;
    return memory == nullptr ? 0 : memory->dimension();
}

// Reads what the tables' vectors are, after other statements; once their length is known, they can be kept in memory.
CacheSettings PostgresCacheStore::look(std::vector<Statement> first, Deadline deadline) {
    first.push_back(Statement(sql_.settings).repeatable());
    const std::vector<Rows> rows = database_.run(first, deadline);
    CacheSettings settings;
    for (const Row& row : rows.back()) {
        const auto key = row.get<std::string_view>("key");
        auto value = row.get<std::string>("value");
        if (key == "epoch") {
            settings.epoch = std::strtoll(value.c_str(), nullptr, 10);
        } else {
            (key == "embedder_dim" ? settings.dimension : settings.fingerprint) = std::move(value);
        }
    }
    if (!opened_.exchange(true)) epoch_ = settings.epoch;  // its caller checks the embedder
    const std::size_t dimension = settings.dimension ? std::strtoull(settings.dimension->c_str(), nullptr, 10) : 0;
    MutexLock lock(learning_);
    if (dimension != 0 && !memory_owner_) {
        if (!snapshot_.empty()) {
            const std::string whose = fmt::format("{}\n{}", database_.schema(), settings.fingerprint.value_or(""));
            const auto log_failure = [this](const std::string& failure) { log(LogLevel::warning, failure); };
            files_owner_ = std::make_unique<VectorFiles>(snapshot_, whose, follower_, log_failure);
            files_ = files_owner_.get();
        }
        VectorMemoryOptions options{
            .format = format_, .limit_bytes = index_bytes_, .backend = index_backend_, .graph = graph_};
        options.copy = [this](const std::string& name_space, std::int64_t after, const auto& row, Deadline until) {
            copy_vectors(database_, sql_, name_space, after, row, until);
        };
        if (VectorFiles* const files = files_) {
            options.restore = [files](const std::string& name_space, VectorSpace& space, Deadline until) {
                return files->restore(name_space, space, until);
            };
            options.loaded = [this, files] { files->loaded(*memory_); };
        }
        memory_owner_ = std::make_unique<VectorMemory>(sql_, dimension, std::move(options));
        memory_ = memory_owner_.get();
    }
    return settings;
}

// The counter's row keeps other claims, and puts, out until all of it is done.
CacheSettings PostgresCacheStore::claim(const std::optional<std::string>& fingerprint, std::size_t length,
                                        Deadline deadline) {
    return look({Statement(sql_.hold_version).repeatable(),
                 Statement(sql_.claim, fingerprint, std::to_string(length)).repeatable(),
                 Statement(sql_.fill_vectors).repeatable()},
                deadline);
}

void PostgresCacheStore::follow(const Embedder* embedder, Deadline deadline) {
    doubts_epoch_ = false;  // first: what changes from here on is doubted anew
    CacheSettings settings;
    try {
        settings = look({}, deadline);
    } catch (...) {
        doubts_epoch_ = true;
        throw;
    }
    if (settings.epoch == epoch_) return;
    VectorMemory* const memory = memory_;
    const bool fits = embedder != nullptr && memory != nullptr && settings.fingerprint == embedder->fingerprint() &&
                      settings.dimension == std::to_string(memory->dimension());
    if (!fits) {
        doubts_epoch_ = true;
        raise(ErrorCode::fingerprint_mismatch,
              fmt::format("all vectors in {} were replaced by those of the embedder '{}' since this cache was opened: "
                          "open it again, with that embedder",
                          describe(), settings.fingerprint.value_or("?")));
    }
    memory->all_changed();  // before the epoch, so that who reads that finds no vector of the one before
    epoch_ = settings.epoch;
}

void PostgresCacheStore::refuse_epoch() {
    doubts_epoch_ = true;
    raise(ErrorCode::fingerprint_mismatch,
          fmt::format("all vectors in {} were replaced by those of another embedder at this moment", describe()));
}

GetOutcome PostgresCacheStore::get(const GetRequest& request, const std::function<float()>& threshold,
                                   Embedder* embedder, Deadline deadline) {
    GetOutcome outcome;
    Exact known = Exact::unknown;
    outcome.hit = find_exact(request, known, deadline);
    if (outcome.hit) return outcome;
    Neighbours near;
    if (request.by_meaning) near = neighbours(request.name_space, threshold, embedder, deadline);
    outcome = drive(get_operation(sql_, request, near, known), database_, embedder, deadline);
    note_access(request, outcome, deadline);
    return outcome;
}

// What it refers to is the caller's.
Neighbours PostgresCacheStore::neighbours(const std::string& name_space, const std::function<float()>& threshold,
                                          const Embedder* embedder, Deadline deadline) {
    if (doubts_epoch_) follow(embedder, deadline);
    VectorMemory* const memory = memory_;
    Neighbours near;
    near.made_in = [this, searched = epoch()](std::int64_t epoch) {
        if (epoch != searched) refuse_epoch();
    };
    near.threshold = threshold;
    near.catch_up = [=, this] {
        if (!follower_.fresh()) follower_.catch_up(deadline);
    };
    near.search = [=, this, &name_space](std::span<const float> unit, std::size_t k, float min_score) {
        return memory->search(name_space, unit, k, min_score, database_, deadline);
    };
    near.forget = [memory, &name_space](std::int64_t id) { memory->forget(name_space, id); };
    near.distrust = [memory, &name_space] { memory->changed(name_space); };
    near.check = [memory](std::vector<float> vector) { return checked_vector(std::move(vector), memory->dimension()); };
    near.any = [memory, &name_space] { return memory->size(name_space).rows != 0; };
    near.exact = [memory] { return memory->format() == VectorFormat::float32; };
    return near;
}

void PostgresCacheStore::note_access(const GetRequest& request, const GetOutcome& outcome, Deadline deadline) {
    if (!outcome.hit || request.explain) return;
    if (access_times_ == AccessTimes::within_call) {
        const std::vector<std::int64_t> id{outcome.hit->id}, once{1}, now{0};
        database_.execute(Statement(sql_.touch, id, once, now), deadline);
    } else {
        accessed(outcome.hit->id);
    }
}

// What is read together is not kept in memory: whether it was changed meanwhile is known of single questions only.
std::vector<GetOutcome> PostgresCacheStore::get_exact(std::span<GetRequest> requests, Deadline deadline) {
    std::vector<GetOutcome> outcomes(requests.size());
    const bool fresh = access_times_ != AccessTimes::within_call && follower_.fresh();
    std::vector<const GetRequest*> others;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < requests.size(); ++i) {
        if (fresh) outcomes[i].hit = local_.find(requests[i].name_space, requests[i].hash);
        if (outcomes[i].hit) continue;
        others.push_back(&requests[i]);
        places.push_back(i);
    }
    const std::vector<std::optional<Row>> found = read_questions(sql_, others, database_, deadline);
    for (std::size_t i = 0; i < found.size(); ++i) outcomes[places[i]] = exact_outcome(found[i]);
    for (std::size_t i = 0; i < requests.size(); ++i) note_access(requests[i], outcomes[i], deadline);
    return outcomes;
}

std::vector<GetOutcome> PostgresCacheStore::get_alike(std::span<const KnownRequest> requests,
                                                      const std::function<float()>& threshold, Embedder* embedder,
                                                      Deadline deadline) {
    if (requests.empty()) return {};
    const Neighbours near = neighbours(requests.front().request->name_space, threshold, embedder, deadline);
    std::vector<GetOutcome> outcomes = look_for_alike(sql_, requests, near, database_, deadline);
    for (std::size_t i = 0; i < requests.size(); ++i) note_access(*requests[i].request, outcomes[i], deadline);
    return outcomes;
}

// In memory, if what is there is known to be new enough, or by the statement that notes the access too. Otherwise the
// question remains open.
std::optional<Hit> PostgresCacheStore::find_exact(const GetRequest& request, Exact& known, Deadline deadline) {
    LocalAnswers::Answers::Pointer answer;
    if (access_times_ == AccessTimes::within_call) {
        if (request.explain) return std::nullopt;  // which touches nothing
        Statement touch(sql_.touch_lookup, request.name_space, request.hash);
        touch.group_commit(entry_key(request.name_space, request.hash));
        const Began began{.heads = local_.heads().sum()};
        answer = read_answer(database_.query(touch, deadline), local_.heads(), began);
    } else if (follower_.fresh()) {
        if (std::optional<Hit> hit = local_.find(request.name_space, request.hash)) {
            if (!request.explain) accessed(hit->id);
            return hit;
        }
        answer = local_.read(request.name_space, request.hash, deadline, [&] {
            const Began began{.heads = local_.heads().sum()};
            const Statement lookup(sql_.lookup, request.name_space, request.hash);
            return read_answer(database_.query(Statement(lookup).read_by_key(), deadline), local_.heads(), began);
        });
    } else {
        return std::nullopt;
    }
    known = answer == nullptr ? Exact::absent : answer->outdated ? Exact::outdated : Exact::expired;
    if (known == Exact::expired && request.keep_old) known = Exact::unknown;  // it is to be read as it is
    if (answer == nullptr || answer->outdated || answer->expired()) return std::nullopt;
    if (access_times_ != AccessTimes::within_call && !request.explain) accessed(answer->hit.id);
    return answer->hit;
}

void PostgresCacheStore::changed(const std::string& name_space, const std::string& hash,
                                 std::uint64_t transaction) noexcept {
    const Change change{std::string(kStore), name_space, hash, transaction};
    follower_.announce({&change, 1});
}

void PostgresCacheStore::changed(std::span<const Change> changes) noexcept {
    VectorMemory* const memory = memory_;
    for (const Change& change : changes) {
        if (change.store == kPolicies) policies_changed();
        if (has_heads(change.store)) {
            if (!change.key) {
                local_.all_changed();
            } else {
                local_.head_changed(*change.key);
            }
        }
        if (change.store != kStore) continue;
        if (!change.name_space) return all_changed();
        if (!change.key) {
            local_.all_changed();
            claims_.watches().all_changed();
            if (memory != nullptr) memory->changed(*change.name_space);
            continue;
        }
        local_.changed(*change.name_space, *change.key);
        claims_.watches().changed(*change.name_space, *change.key);
        if (memory != nullptr) memory->changed(*change.name_space, *change.key, change.transaction);
    }
}

void PostgresCacheStore::all_changed() noexcept {
    doubts_epoch_ = true;
    local_.all_changed();
    claims_.watches().all_changed();
    policies_changed();
    if (VectorMemory* const memory = memory_) memory->all_changed();
}

void PostgresCacheStore::policies_changed() noexcept {
    policies_.invalidate_all();
}

void PostgresCacheStore::accessed(std::int64_t id) noexcept {
    if (access_times_ != AccessTimes::never) accesses_.accessed(id);
}

std::vector<CacheEntry> PostgresCacheStore::list(const std::optional<std::string>& name_space,
                                                 const CacheEntryFilter& filter, Deadline deadline) {
    return read_entries(caps_, name_space, filter, database_, deadline);
}

std::vector<CacheNamespace> PostgresCacheStore::namespaces(Deadline deadline) {
    return read_namespaces(caps_, database_, deadline);
}

StoreHealth PostgresCacheStore::health(Deadline deadline) {
    return read_health(caps_, database_, deadline);
}

void PostgresCacheStore::flush(Deadline deadline) {
    if (VectorFiles* const files = files_) {
        files->stop();
        files->save(*memory_);
    }
    accesses_.flush(deadline);
}

std::size_t PostgresCacheStore::compact(const std::optional<std::string>& name_space, Deadline deadline) {
    VectorMemory* const memory = memory_;
    if (memory == nullptr || memory->in_memory().empty()) return 0;
    follower_.catch_up(deadline);
    return memory->compact(name_space, database_, deadline);
}

void PostgresCacheStore::set_vector_format(VectorFormat format) {
    MutexLock lock(learning_);  // whoever learns how long vectors are takes it from here
    format_ = format;
    if (memory_owner_) memory_owner_->set_format(format);
}

std::map<std::string, CacheQuota> PostgresCacheStore::quotas(const std::optional<std::string>& tenant,
                                                             Deadline deadline) {
    return read_quotas(caps_, tenant, database_, deadline);
}

CacheQuota PostgresCacheStore::limits(Deadline deadline) {
    return read_limits(caps_, database_, deadline);
}

std::shared_ptr<const CachePolicies> PostgresCacheStore::policies(Deadline deadline) {
    return read_policies(caps_, database_, deadline);
}

std::shared_ptr<const CachePolicies> PostgresCacheStore::known_policies(Deadline deadline) {
    if (!follower_.fresh()) follower_.catch_up(deadline);
    return policies_.get("", deadline, [&] { return policies(deadline); });
}

CacheTotals PostgresCacheStore::totals(const std::optional<std::string>& name_space, Deadline deadline) {
    CacheTotals totals = read_totals(sql_, caps_, name_space, database_, deadline);
    const VectorMemory::Size size = index_size(name_space);
    totals.index_rows = size.rows;
    totals.index_bytes = size.bytes;
    totals.index_tombstones = size.tombstones;
    const LocalAnswers::Answers::Counts local = local_.counts();
    totals.local_entries = local.entries;
    totals.local_bytes = local.bytes;
    return totals;
}

void PostgresCacheStore::save(const Counters::Batch& batch, Deadline deadline) {
    database_.execute(Statement(sql_.add_counters, batch.namespaces, batch.names, batch.values), deadline);
}

std::unique_ptr<CacheStore> PostgresCacheStore::join(Transaction& transaction) {
    return std::make_unique<JoinedCacheStore>(shared_from_this(), JoinedTransaction(transaction, database_));
}

std::unique_ptr<CacheStore> PostgresCacheStore::join(Savepoint& savepoint) {
    return std::make_unique<JoinedCacheStore>(shared_from_this(), JoinedTransaction(savepoint, database_));
}

std::string PostgresCacheStore::describe() const {
    return fmt::format("{} (schema {})", database_.describe(), database_.schema());
}

void PostgresCacheStore::log(LogLevel level, const std::string& message) const noexcept {
    database_.impl().log(level, message);
}

VectorMemory::Size PostgresCacheStore::index_size(const std::optional<std::string>& name_space) const {
    const VectorMemory* const memory = memory_;
    if (memory == nullptr) return {};
    return name_space ? memory->size(*name_space) : memory->size();
}

}  // namespace stele
