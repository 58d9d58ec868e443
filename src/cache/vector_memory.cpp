#include "cache/vector_memory.hpp"

#include <algorithm>
#include <utility>

#include "cache/entry_vector.hpp"

namespace stele {
namespace {

constexpr std::int64_t kPage = 1024;        // rows: about 3 MB of usual vectors, far less than any deadline takes
constexpr std::size_t kMostStale = 10'000;  // or as many as there are rows: beyond, all is loaded again

// Rows say 32 bits of what the log says in 64.
bool is_of(std::uint64_t transaction, std::int64_t writer) {
    return transaction != 0 && static_cast<std::uint32_t>(transaction) == static_cast<std::uint32_t>(writer);
}

}  // namespace

void VectorMemory::changed(const std::string& name_space, std::string_view hash, std::uint64_t transaction) {
    const SpacePointer space = find(name_space);
    if (!space) return;
    const auto writer = static_cast<std::int64_t>(static_cast<std::uint32_t>(transaction));
    const std::string key(hash);
    std::size_t stale = 0;
    {
        MutexLock lock(space->news);
        if (const auto puts = space->puts.find(key); puts != space->puts.end()) {
            for (Put* put : puts->second) put->changes_.push_back(transaction);
        } else if (transaction != 0 && space->vectors.holds_question(question_tag(hash), writer)) {
            return;
        }
        space->mark(key);
        stale = space->stale.size();
    }
    if (stale > std::max(kMostStale, space->vectors.size().rows)) changed(name_space);
}

void VectorMemory::changed(const std::string& name_space) {
    SpacePointer dropped;
    MutexLock lock(spaces_mutex_);
    const auto space = spaces_.find(name_space);
    if (space == spaces_.end()) return;
    dropped = std::move(space->second);
    spaces_.erase(space);
}

void VectorMemory::all_changed() noexcept {
    std::map<std::string, SpacePointer, std::less<>> dropped;
    MutexLock lock(spaces_mutex_);
    spaces_.swap(dropped);
}

void VectorMemory::Space::mark(const std::string& hash) {
    stale.insert(hash);
    has_stale = true;
}

void VectorMemory::Space::enter(Put& put) {
    std::vector<Put*>& same = puts[put.hash_];
    same.push_back(&put);
    if (same.size() == 1) return;
    for (Put* each : same) each->alone_ = false;
}

bool VectorMemory::Space::leave(Put& put, std::int64_t writer) {
    const auto same = puts.find(put.hash_);
    std::erase(same->second, &put);
    if (same->second.empty()) puts.erase(same);
    return put.alone_ && std::all_of(put.changes_.begin(), put.changes_.end(),
                                     [writer](std::uint64_t transaction) { return is_of(transaction, writer); });
}

VectorMemory::Put::Put(VectorMemory* memory, std::string name_space, std::string hash)
    : memory_(memory),
      name_space_(std::move(name_space)),
      hash_(std::move(hash)),
      space_(memory == nullptr ? nullptr : memory->find(name_space_)) {
    if (!space_) return;
    MutexLock lock(space_->news);
    space_->enter(*this);
}

// Whether it was stored is not known.
VectorMemory::Put::~Put() {
    if (memory_ == nullptr) return;
    if (space_) {
        MutexLock lock(space_->news);
        space_->leave(*this, 0);
        space_->mark(hash_);
    }
    tell_new_space(*memory_);
}

void VectorMemory::Put::stored(std::int64_t id, std::int64_t writer, std::span<const float> unit) {
    VectorMemory* const memory = std::exchange(memory_, nullptr);
    if (memory == nullptr) return;
    if (space_) {
        MutexLock lock(space_->news);
        const bool newest = space_->leave(*this, writer);
        space_->mark(hash_);
        if (newest) {
            space_->vectors.put(id, {.question = question_tag(hash_), .writer = writer}, unit);
            space_->stale.erase(hash_);
            if (space_->asking) space_->own.insert(hash_);
        }
    }
    tell_new_space(*memory);
}

// It may have been loaded before the put was committed.
void VectorMemory::Put::tell_new_space(VectorMemory& memory) const {
    const std::shared_ptr<Space> now = memory.find(name_space_);
    if (!now || now == space_) return;
    MutexLock lock(now->news);
    now->mark(hash_);
}

std::vector<Candidate> VectorMemory::search(const std::string& name_space, std::span<const float> unit, std::size_t k,
                                            float min_score, Executor& executor, Deadline deadline) {
    const SpacePointer space = open(name_space);
    if (!space->loaded) load(*space, name_space, executor, deadline);
    if (space->has_stale) read_stale(*space, name_space, executor, deadline);
    return space->vectors.search(unit, k, min_score);
}

std::shared_ptr<const VectorSpace> VectorMemory::known(const std::string& name_space) const {
    SpacePointer space = find(name_space);
    if (!space) return nullptr;
    const VectorSpace* vectors = &space->vectors;
    return {std::move(space), vectors};
}

void VectorMemory::load(Space& space, const std::string& name_space, Executor& executor, Deadline deadline) {
    const TimedLock reading(space.reading, deadline);
    while (!space.loaded) {
        const Statement page(sql_.load, name_space, space.loaded_to, kPage);
        const Rows rows = ask(space, Statement(page).repeatable(), executor, deadline);
        take(space, rows, {});
        if (!rows.empty()) space.loaded_to = rows[rows.size() - 1].get<std::int64_t>("id");
        space.loaded = rows.size() < kPage;
    }
}

// What is marked while it reads is left to the next search: else it would never end where there is much to do.
void VectorMemory::read_stale(Space& space, const std::string& name_space, Executor& executor, Deadline deadline) {
    const TimedLock reading(space.reading, deadline);
    Hashes all;
    {
        MutexLock lock(space.news);
        all.swap(space.stale);
    }
    try {
        while (!all.empty()) {
            std::vector<std::string> page;
            for (auto it = all.begin(); it != all.end() && page.size() < kPage; ++it) page.push_back(*it);
            const Statement statement(sql_.by_question, name_space, page);
            const Rows rows = ask(space, Statement(statement).repeatable(), executor, deadline);
            take(space, rows, {page.begin(), page.end()});
            for (const std::string& hash : page) all.erase(hash);
        }
        // only now: who searches meanwhile waits for it
        MutexLock lock(space.news);
        space.has_stale = !space.stale.empty();
    } catch (...) {
        MutexLock lock(space.news);
        for (const std::string& hash : all) space.mark(hash);
        throw;
    }
}

Rows VectorMemory::ask(Space& space, const Statement& statement, Executor& executor, Deadline deadline) {
    {
        MutexLock lock(space.news);
        space.asking = true;
        space.own.clear();
    }
    return executor.query(statement, deadline);
}

// `absent`: the questions that were asked for; those without a row have none.
void VectorMemory::take(Space& space, const Rows& rows, Hashes absent) {
    MutexLock lock(space.news);
    space.asking = false;
    for (const Row& row : rows) {
        const auto hash = row.get<std::string>("query_hash");
        absent.erase(hash);
        if (space.own.contains(hash)) {  // the row may be from before
            space.mark(hash);
            continue;
        }
        space.vectors.put(row.get<std::int64_t>("id"),
                          {.question = question_tag(hash), .writer = row.get<std::int64_t>("writer")},
                          decode_entry_vector(row.get<std::span<const std::byte>>("embedding"), dimension_));
    }
    for (const std::string& hash : absent) {
        if (space.own.contains(hash)) {
            space.mark(hash);
        } else {
            space.vectors.remove_question(question_tag(hash));
        }
    }
}

void VectorMemory::forget(const std::string& name_space, std::int64_t id) {
    if (const SpacePointer space = find(name_space)) space->vectors.remove(id);
}

VectorMemory::Size VectorMemory::size(std::string_view name_space) const {
    const SpacePointer space = find(name_space);
    return space ? space->vectors.size() : Size{};
}

VectorMemory::Size VectorMemory::size() const {
    MutexLock lock(spaces_mutex_);
    Size sum;
    for (const auto& [name, space] : spaces_) {
        const Size one = space->vectors.size();
        sum.rows += one.rows;
        sum.bytes += one.bytes;
    }
    return sum;
}

VectorMemory::SpacePointer VectorMemory::find(std::string_view name_space) const {
    MutexLock lock(spaces_mutex_);
    const auto found = spaces_.find(name_space);
    return found == spaces_.end() ? nullptr : found->second;
}

VectorMemory::SpacePointer VectorMemory::open(const std::string& name_space) {
    MutexLock lock(spaces_mutex_);
    SpacePointer& space = spaces_[name_space];
    if (!space) space = std::make_shared<Space>(dimension_);
    return space;
}

}  // namespace stele
