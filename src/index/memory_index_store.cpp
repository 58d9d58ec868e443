#include "index/memory_index_store.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <random>
#include <tuple>

#include "base/json_tree.hpp"
#include "base/result.hpp"

namespace stele {
namespace {

[[noreturn]] void no_transactions() {
    raise(ErrorCode::invalid_argument, "an index in memory joins no transaction");
}

double cosine(std::span<const float> a, std::span<const float> b) {
    double dot = 0, aa = 0, bb = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        dot += double{a[i]} * double{b[i]};
        aa += double{a[i]} * double{a[i]};
        bb += double{b[i]} * double{b[i]};
    }
    return std::clamp(dot / std::sqrt(aa * bb), -1.0, 1.0);
}

}  // namespace

MemoryIndexStore::MemoryIndexStore(MemoryDatabase database, const VectorIndexOptions& options)
    : database_(std::move(database)), table_(options.table), impl_(database_.impl()) {
    for (const TextMember& member : options.text) text_.push_back(member.path());
    MutexLock lock(impl_.mutex);
    data_ = &impl_.data<Data>("index/" + table_);
}

std::shared_ptr<IndexStore> MemoryIndexStore::join(Transaction&) {
    no_transactions();
}
std::shared_ptr<IndexStore> MemoryIndexStore::join(Savepoint&) {
    no_transactions();
}

void MemoryIndexStore::prepare(const VectorFrame& frame, bool, Deadline) {
    MutexLock lock(impl_.mutex);
    check_frame(table_, data_->frame, frame);
    data_->frame.dimension = frame.dimension;
    if (data_->frame.fingerprint.empty()) data_->frame.fingerprint = frame.fingerprint;
}

std::size_t MemoryIndexStore::dimension(Deadline) {
    MutexLock lock(impl_.mutex);
    return data_->frame.dimension;
}

std::vector<KnownRow> MemoryIndexStore::known(const VectorFrame& frame, RowPointers rows, Deadline) {
    MutexLock lock(impl_.mutex);
    check_frame(table_, data_->frame, frame);
    std::vector<KnownRow> all;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto found = data_->keys.find(*rows[i]->key);
        if (found == data_->keys.end()) continue;
        const IndexRow& row = data_->entries.at(found->second).row;
        if (row.digest != rows[i]->digest) continue;
        const bool same = same_value(row.payload, rows[i]->payload);
        all.push_back({i, found->second, same, same ? std::vector<float>() : row.vector,
                       parse_json(row.meta.text()).find("truncated") != nullptr});
    }
    return all;
}

std::vector<Uuid> MemoryIndexStore::put(const VectorFrame& frame, RowPointers rows, Deadline) {
    std::vector<IndexRow> copies;
    for (const IndexRow* row : rows) copies.push_back(*row);
    MutexLock lock(impl_.mutex);
    check_frame(table_, data_->frame, frame);
    std::vector<Uuid> ids = ids_for(rows);
    store(std::move(copies), ids);
    return ids;
}

/// Keeps its rows until they are committed.
class MemoryIndexStore::Unit final : public IndexUnit {
public:
    explicit Unit(MemoryIndexStore& store) : store_(store) {}

    std::vector<KnownRow> known(const VectorFrame& frame, RowPointers rows, Deadline deadline) override {
        return store_.known(frame, rows, deadline);
    }
    std::vector<Uuid> put(const VectorFrame& frame, RowPointers rows, Deadline) override {
        MutexLock lock(store_.impl_.mutex);
        check_frame(store_.table_, store_.data_->frame, frame);
        std::vector<Uuid> ids = store_.ids_for(rows);
        for (const IndexRow* row : rows) rows_.push_back(*row);
        ids_.insert(ids_.end(), ids.begin(), ids.end());
        return ids;
    }
    void commit(Deadline) override {
        MutexLock lock(store_.impl_.mutex);
        store_.store(std::move(rows_), ids_);
    }

private:
    MemoryIndexStore& store_;
    std::vector<IndexRow> rows_;
    std::vector<Uuid> ids_;
};

std::unique_ptr<IndexUnit> MemoryIndexStore::begin_unit(Deadline) {
    return std::make_unique<Unit>(*this);
}

std::vector<Uuid> MemoryIndexStore::ids_for(RowPointers rows) const {
    std::vector<Uuid> ids;
    for (const IndexRow* row : rows) {
        const auto known = row->key ? data_->keys.find(*row->key) : data_->keys.end();
        ids.push_back(known != data_->keys.end() ? known->second : Uuid::v7());
    }
    return ids;
}

void MemoryIndexStore::store(std::vector<IndexRow> rows, const std::vector<Uuid>& ids) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto known = rows[i].key ? data_->keys.find(*rows[i].key) : data_->keys.end();
        if (known == data_->keys.end() || known->second == ids[i]) continue;
        ErrorInfo error = make_error(ErrorCode::serialization, "another call indexed the same key meanwhile");
        error.retry = Retry::transaction;
        raise(std::move(error));
    }
    const Timestamp base = std::max(impl_.now(), data_->newest + std::chrono::microseconds(1));
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (const auto found = data_->entries.find(ids[i]); found != data_->entries.end()) {
            found->second.row = std::move(rows[i]);
            continue;
        }
        data_->newest = base + std::chrono::microseconds(i);
        if (rows[i].key) data_->keys[*rows[i].key] = ids[i];
        data_->entries[ids[i]] = {std::move(rows[i]), data_->newest};
    }
}

bool MemoryIndexStore::replace(const VectorFrame& frame, const Uuid& id, const IndexRow& row, Deadline) {
    MutexLock lock(impl_.mutex);
    check_frame(table_, data_->frame, frame);
    const auto found = data_->entries.find(id);
    if (found == data_->entries.end()) return false;
    std::optional<std::string> key = std::move(found->second.row.key);
    found->second.row = row;
    found->second.row.key = std::move(key);
    return true;
}

NearestAnswer MemoryIndexStore::nearest(const NearestQuery& query, Deadline) {
    MutexLock lock(impl_.mutex);
    check_frame(table_, data_->frame, query.frame);
    return {nearest_of(query), true};
}

std::vector<NearestMatch> MemoryIndexStore::nearest_of(const NearestQuery& query) const {
    std::vector<NearestMatch> all;
    for (const auto& [id, entry] : data_->entries) {
        if (!query.filter.matches(entry.row.payload)) continue;
        const double score = cosine(entry.row.vector, query.vector);
        if (query.threshold && static_cast<float>(score) < *query.threshold) continue;
        all.push_back({match_of(id, entry, score), query.with_vectors ? entry.row.vector : std::vector<float>()});
    }
    std::sort(all.begin(), all.end(), [](const NearestMatch& a, const NearestMatch& b) {
        return std::tuple(-*a.match.score, a.match.created, a.match.id) <
               std::tuple(-*b.match.score, b.match.created, b.match.id);
    });
    if (all.size() > query.limit) all.resize(query.limit);
    return all;
}

SearchPlan MemoryIndexStore::explain(const NearestQuery& query, Deadline deadline) {
    SearchPlan plan;
    plan.table = table_;
    const NearestQuery all_scores{query.frame,  query.vector, query.filter, query.limit,
                                  std::nullopt, false,        true,         query.words};
    const bool hybrid = query.words != nullptr;
    const std::size_t limit = hybrid ? query.words->limit : query.limit;
    plan.found = hybrid ? fused(query, deadline).matches.size() : nearest(all_scores, deadline).matches.size();
    plan.completeness = plan.found < limit ? Completeness::exhausted : Completeness::complete;
    const auto all = static_cast<double>(count(Filter(), deadline));
    plan.rows = all;
    plan.share = all > 0 ? static_cast<double>(count(query.filter, deadline)) / all : 1;
    return plan;
}

std::vector<std::vector<float>> MemoryIndexStore::sample(std::size_t most, Deadline) {
    MutexLock lock(impl_.mutex);
    std::vector<std::vector<float>> all;
    for (const auto& [id, entry] : data_->entries) all.push_back(entry.row.vector);
    std::shuffle(all.begin(), all.end(), std::mt19937(std::random_device()()));
    if (all.size() > most) all.resize(most);
    return all;
}

// There is nothing to look things up in.
std::vector<std::string> MemoryIndexStore::build_indexes(const IndexBuildOptions&, bool) {
    return {};
}

std::vector<detail::IndexMatch> MemoryIndexStore::newest(std::size_t limit, const std::optional<IndexCursor>& after,
                                                         const Filter& filter, Deadline) {
    MutexLock lock(impl_.mutex);
    std::vector<detail::IndexMatch> all;
    for (const auto& [id, entry] : data_->entries) {
        if (after && std::tie(entry.created, id) >= std::tie(after->created, after->id)) continue;
        if (filter.matches(entry.row.payload)) all.push_back(match_of(id, entry, std::nullopt));
    }
    std::sort(all.begin(), all.end(), [](const detail::IndexMatch& a, const detail::IndexMatch& b) {
        return std::tie(b.created, b.id) < std::tie(a.created, a.id);
    });
    if (all.size() > limit) all.resize(limit);
    return all;
}

std::size_t MemoryIndexStore::count(const Filter& filter, Deadline) {
    MutexLock lock(impl_.mutex);
    return static_cast<std::size_t>(std::count_if(data_->entries.begin(), data_->entries.end(), [&](const auto& entry) {
        return filter.matches(entry.second.row.payload);
    }));
}

std::size_t MemoryIndexStore::remove(const Filter& filter, Deadline) {
    return remove_if([&](const Uuid&, const Entry& entry) { return filter.matches(entry.row.payload); });
}

std::size_t MemoryIndexStore::remove(const std::vector<Uuid>& ids, Deadline) {
    return remove_if([&](const Uuid& id, const Entry&) { return std::find(ids.begin(), ids.end(), id) != ids.end(); });
}

std::size_t MemoryIndexStore::remove_if(const std::function<bool(const Uuid&, const Entry&)>& goes) {
    MutexLock lock(impl_.mutex);
    std::size_t removed = 0;
    for (auto entry = data_->entries.begin(); entry != data_->entries.end();) {
        if (!goes(entry->first, entry->second)) {
            ++entry;
            continue;
        }
        if (entry->second.row.key) data_->keys.erase(*entry->second.row.key);
        entry = data_->entries.erase(entry);
        ++removed;
    }
    return removed;
}

detail::IndexMatch MemoryIndexStore::match_of(const Uuid& id, const Entry& entry, std::optional<double> score) {
    return {id, entry.row.payload, score, entry.created};
}

}  // namespace stele
