#include "cache/vector_memory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace stele {
namespace {

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
    dropped = space->second;
    let_go(space->second);
    spaces_.erase(space);
}

void VectorMemory::all_changed() noexcept {
    std::map<std::string, SpacePointer, std::less<>> dropped;
    MutexLock lock(spaces_mutex_);
    for (auto& [name, space] : spaces_) let_go(space);
    spaces_.swap(dropped);
}

void VectorMemory::set_format(VectorFormat format) noexcept {
    if (format_.exchange(format) != format) all_changed();
}

void VectorMemory::let_go(SpacePointer& space) {
    bytes_ -= space->counted.exchange(0);
}

// Whoever was let go meanwhile is counted no more.
void VectorMemory::count(Space& space, const std::string& name_space) {
    if (options_.limit_bytes == 0) return;
    std::size_t bytes = space.vectors.size().bytes;
    if (bytes == space.counted) return;
    if (bytes > options_.limit_bytes) {  // it may fit without
        space.vectors.drop_copies(bytes - options_.limit_bytes);
        bytes = space.vectors.size().bytes;
    }
    if (bytes > options_.limit_bytes) {
        space.vectors.drop_graph();
        bytes = space.vectors.size().bytes;
    }
    std::vector<SpacePointer> dropped;
    const MutexLock lock(spaces_mutex_);
    const auto known = spaces_.find(name_space);
    if (known == spaces_.end() || known->second.get() != &space) return;
    bytes_ += bytes - space.counted.exchange(bytes);
    drop_copies();
    while (bytes_ > options_.limit_bytes) {
        auto oldest = spaces_.end();
        for (auto at = spaces_.begin(); at != spaces_.end(); ++at) {
            if (at == known || at->second->counted == 0) continue;
            if (oldest == spaces_.end() || at->second->searched < oldest->second->searched) oldest = at;
        }
        if (oldest == spaces_.end()) break;
        dropped.push_back(oldest->second);
        let_go(oldest->second);
        spaces_.erase(oldest);
    }
    if (bytes_ <= options_.limit_bytes) return;
    // an empty one in its place, which says so
    dropped.push_back(known->second);
    let_go(known->second);
    space.too_large = true;
    known->second = new_space(format_);
    known->second->too_large = true;
}

void VectorMemory::make_copies(Space& space, const std::string& name_space) {
    std::size_t room = std::numeric_limits<std::size_t>::max();
    if (options_.limit_bytes != 0) {
        const MutexLock lock(spaces_mutex_);
        room = options_.limit_bytes - std::min(bytes_, options_.limit_bytes);
    }
    if (space.vectors.make_copies(room) != 0) count(space, name_space);
}

// Without them a search takes longer, but nothing is to be read again.
void VectorMemory::drop_copies() {
    if (bytes_ <= options_.limit_bytes) return;
    std::vector<std::pair<std::uint64_t, Space*>> spaces;
    for (const auto& [name, space] : spaces_) {
        if (space->counted != 0) spaces.emplace_back(space->searched, space.get());
    }
    std::sort(spaces.begin(), spaces.end());
    for (const auto& [searched, space] : spaces) {
        if (bytes_ <= options_.limit_bytes) break;
        space->vectors.drop_copies(bytes_ - options_.limit_bytes);
        const std::size_t left = space->vectors.size().bytes;
        bytes_ += left - space->counted.exchange(left);
    }
}

void VectorMemory::check_size(const Space& space, const std::string& name_space) const {
    if (!space.too_large) return;
    raise(
        ErrorCode::limit_exceeded,
        fmt::format("the vectors of the scope '{}' need more than index_bytes, which is {}: set more, choose a smaller "
                    "vector_format, or give its tenant a quota",
                    name_space, options_.limit_bytes));
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
            if (space_->stale.empty() && !space_->reading_stale) space_->has_stale = false;
            if (space_->asking) space_->own.insert(hash_);
        }
    }
    if (space_) memory->count(*space_, name_space_);
    tell_new_space(*memory);
}

// It may have been loaded before the put was committed.
void VectorMemory::Put::tell_new_space(VectorMemory& memory) const {
    const std::shared_ptr<Space> now = memory.find(name_space_);
    if (!now || now == space_) return;
    MutexLock lock(now->news);
    now->mark(hash_);
}

std::shared_ptr<const VectorSpace> VectorMemory::known(const std::string& name_space) const {
    const VectorFormat format = format_;
    SpacePointer space = find(name_space);
    if (!space || space->vectors.format() != format) return nullptr;
    const VectorSpace* vectors = &space->vectors;
    return {std::move(space), vectors};
}

void VectorMemory::forget(const std::string& name_space, std::int64_t id) {
    if (const SpacePointer space = find(name_space)) space->vectors.remove(id);
}

std::vector<VectorMemory::InMemory> VectorMemory::in_memory() const {
    std::vector<InMemory> all;
    const MutexLock lock(spaces_mutex_);
    for (const auto& [name, space] : spaces_) {
        if (!space->loaded) continue;
        const Size size = space->vectors.size();
        all.push_back({name, space->vectors.format(), size.rows, size.changes - space->saved});
    }
    return all;
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
        sum.tombstones += one.tombstones;
        sum.graph_rows += one.graph_rows;
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
    const VectorFormat format = format_;
    // whoever knows of the format by now must not meet one of the format before
    if (space && space->vectors.format() != format) {
        let_go(space);
        space.reset();
    }
    if (!space) space = new_space(format);
    return space;
}

VectorMemory::SpacePointer VectorMemory::new_space(VectorFormat format) const {
    return std::make_shared<Space>(dimension_, format,
                                   graph_plan(options_.backend, options_.graph, format, options_.limit_bytes));
}

}  // namespace stele
