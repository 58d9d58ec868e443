#include "cache/vector_memory.hpp"

#include <algorithm>

#include "cache/entry_vector.hpp"

namespace stele {
namespace {

constexpr std::int64_t kPage = 1024;  // rows: about 3 MB of usual vectors, far less than any deadline takes
constexpr std::int64_t kLate = 60;    // seconds: clocks that differ, and the time from a row's making to its commit

}  // namespace

TablePosition TablePosition::read(const Row& row) {
    return {row.get<std::int64_t>("version"), row.get<std::int64_t>("last_id", 0), row.get<std::int64_t>("now")};
}

VectorMemory::VectorMemory(const CacheSql& sql, std::size_t dimension, const TablePosition& position)
    : sql_(sql),
      dimension_(dimension),
      follower_(position.version, position.last_id),
      last_id_(position.last_id),
      last_moment_{position.now - kLate, 0} {}

VectorMemory::Mark VectorMemory::mark() const {
    MutexLock lock(version_mutex_);
    return follower_.mark();
}

void VectorMemory::observe(Mark before, std::int64_t version, Executor& executor, Deadline deadline) {
    using News = VersionFollower::News;
    const auto news = [&] {
        MutexLock lock(version_mutex_);
        return follower_.observe(before, version);
    };
    if (news() == News::none) return;
    const TimedLock following(following_, deadline);
    switch (news()) {  // another thread may have read it meanwhile
        case News::none: return;
        case News::reset: start_over(); break;
        case News::changes: break;
    }
    while (!follow(executor, deadline)) {
    }
}

void VectorMemory::distrust() {
    MutexLock lock(version_mutex_);
    follower_.distrust();
}

void VectorMemory::start_over() {
    {
        MutexLock lock(spaces_mutex_);
        spaces_.clear();
    }
    MutexLock lock(version_mutex_);
    follower_.reset();
    last_id_ = 0;
    last_moment_ = {};
    look_.reset();
}

bool VectorMemory::went_back(Mark before, std::int64_t version) {
    MutexLock lock(version_mutex_);
    return follower_.observe(before, version) == VersionFollower::News::reset;
}

// False: there is more to follow.
bool VectorMemory::follow(Executor& executor, Deadline deadline) {
    const Names namespaces = names();
    if (namespaces.empty()) {
        const Mark before = mark();
        const Rows rows = executor.query(Statement(sql_.position).repeatable(), deadline);
        const TablePosition position = TablePosition::read(rows[0]);
        if (went_back(before, position.version)) {
            start_over();
            return false;
        }
        last_id_ = position.last_id;
        last_moment_ = {position.now - kLate, 0};
        MutexLock lock(version_mutex_);
        follower_.caught_up(position.version, position.last_id);
        return true;
    }
    for (bool all_in_one = true;; all_in_one = false) {
        Mark before{};
        std::vector<std::int64_t> own;
        {
            MutexLock lock(version_mutex_);
            before = follower_.mark();
            all_in_one = all_in_one && last_id_ <= follower_.known_id();
            last_id_ = std::max(last_id_, follower_.known_id());
            own = follower_.own_ids(last_id_, kPage);
        }
        const Rows rows =
            executor.query(Statement(sql_.added, namespaces, last_id_, kPage, own).repeatable(), deadline);
        const TablePosition position = TablePosition::read(rows[0]);
        if (went_back(before, position.version)) {
            start_over();
            return false;
        }
        std::vector<std::int64_t> ids;
        for (const Row& row : rows) {
            const auto id = row.find<std::int64_t>("id");
            if (!id) break;  // the only row: there is nothing new
            ids.push_back(*id);
            const auto name_space = row.find<std::string>("namespace");
            if (!name_space) continue;
            if (const SpacePointer space = find(*name_space)) add(*space, row, position.version);
        }
        for (const std::int64_t id : ids) last_id_ = std::max(last_id_, id);
        if (ids.size() == kPage) continue;

        {
            MutexLock lock(version_mutex_);
            if (all_in_one && follower_.only_added(position.version, ids)) {
                follower_.caught_up(position.version, last_id_);
                last_moment_ = {position.now - kLate, 0};
                return true;
            }
        }
        const TablePosition begin = read_recent(namespaces, position, executor, deadline);
        MutexLock lock(version_mutex_);
        follower_.caught_up(begin.version, last_id_);
        return begin.version == position.version;
    }
}

// What came late or was replaced has an id like any other, but a time of its own. Goes on with a look that a deadline
// cut short; what changed since that began, at the position returned, is left to the next one.
TablePosition VectorMemory::read_recent(const Names& namespaces, const TablePosition& position, Executor& executor,
                                        Deadline deadline) {
    if (!look_) look_ = position;
    for (;;) {
        const Rows rows = executor.query(
            Statement(sql_.recent, namespaces, last_moment_.created_at, last_moment_.id, kPage).repeatable(), deadline);
        std::vector<std::int64_t> changed;
        Moment last = last_moment_;
        for (const Row& row : rows) {
            last = {row.get<std::int64_t>("created_at"), row.get<std::int64_t>("id")};
            const SpacePointer space = find(row.get<std::string>("namespace"));
            if (space && !space->vectors.holds(last.id, row.get<std::int64_t>("writer"))) changed.push_back(last.id);
        }
        if (!changed.empty()) {
            for (const Row& row : executor.query(Statement(sql_.vectors, changed).repeatable(), deadline)) {
                if (const SpacePointer space = find(row.get<std::string>("namespace"))) {
                    add(*space, row, position.version);
                }
            }
        }
        last_moment_ = last;
        if (rows.size() < kPage) break;
    }
    const TablePosition begin = *look_;
    look_.reset();
    last_moment_ = {begin.now - kLate, 0};
    return begin;
}

std::vector<Candidate> VectorMemory::search(const std::string& name_space, std::span<const float> unit, std::size_t k,
                                            float min_score, Executor& executor, Deadline deadline) {
    const SpacePointer space = open(name_space, deadline);
    if (!space->loaded) load(*space, name_space, executor, deadline);
    return space->vectors.search(unit, k, min_score);
}

std::shared_ptr<const VectorSpace> VectorMemory::known(const std::string& name_space) const {
    SpacePointer space = find(name_space);
    if (!space) return nullptr;
    const VectorSpace* vectors = &space->vectors;
    return {std::move(space), vectors};
}

void VectorMemory::load(Space& space, const std::string& name_space, Executor& executor, Deadline deadline) {
    const TimedLock loading(space.loading, deadline);
    while (!space.loaded) {
        const Rows rows =
            executor.query(Statement(sql_.load, name_space, space.loaded_to, kPage).repeatable(), deadline);
        for (const Row& row : rows) {
            // version 0: what was followed or stored while the page was under way is newer
            add(space, row, 0);
            space.loaded_to = row.get<std::int64_t>("id");
        }
        space.loaded = rows.size() < kPage;
    }
}

void VectorMemory::add(Space& space, const Row& row, std::int64_t version) const {
    space.vectors.put(row.get<std::int64_t>("id"),
                      {.question = question_tag(row.get<std::string_view>("query_hash")),
                       .writer = row.get<std::int64_t>("writer"),
                       .version = version},
                      decode_entry_vector(row.get<std::span<const std::byte>>("embedding"), dimension_));
}

void VectorMemory::stored(Mark before, const std::string& name_space, std::int64_t id, const VectorSource& source,
                          std::span<const float> unit) {
    {
        MutexLock lock(version_mutex_);
        if (!follower_.made(before, source.version, id)) return;
    }
    if (const SpacePointer space = find(name_space)) space->vectors.put(id, source, unit);
}

void VectorMemory::removed(Mark before, const std::string& name_space, std::int64_t id, std::int64_t version) {
    forget(name_space, id);
    MutexLock lock(version_mutex_);
    follower_.made(before, version, 0);
}

void VectorMemory::forget(const std::string& name_space, std::int64_t id) {
    if (const SpacePointer space = find(name_space)) space->vectors.remove(id);
}

VectorMemory::Size VectorMemory::size(std::string_view name_space) const {
    const SpacePointer space = find(std::string(name_space));
    return space ? space->vectors.size() : Size{};
}

VectorMemory::Size VectorMemory::size() const {
    Size sum;
    for (const std::string& name : names()) {
        const Size one = size(name);
        sum.rows += one.rows;
        sum.bytes += one.bytes;
    }
    return sum;
}

VectorMemory::SpacePointer VectorMemory::find(const std::string& name_space) const {
    MutexLock lock(spaces_mutex_);
    const auto found = spaces_.find(name_space);
    return found == spaces_.end() ? nullptr : found->second;
}

VectorMemory::Names VectorMemory::names() const {
    MutexLock lock(spaces_mutex_);
    Names names;
    for (const auto& [name, space] : spaces_) names.push_back(name);
    return names;
}

VectorMemory::SpacePointer VectorMemory::open(const std::string& name_space, Deadline deadline) {
    if (SpacePointer space = find(name_space)) return space;
    const TimedLock following(following_, deadline);
    MutexLock lock(spaces_mutex_);
    SpacePointer& space = spaces_[name_space];
    if (!space) space = std::make_shared<Space>(dimension_);
    return space;
}

}  // namespace stele
