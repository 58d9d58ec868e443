// How VectorMemory reads.
#include <algorithm>
#include <utility>

#include "cache/entry_vector.hpp"
#include "cache/vector_memory.hpp"

namespace stele {
namespace {

constexpr std::int64_t kPage = 1024;       // rows: about 3 MB of usual vectors, far less than any deadline takes
constexpr std::size_t kTakenAtOnce = 128;  // while those wait who tell of changes

}  // namespace

/// Notes what is put meanwhile: what was asked for may be from before.
class VectorMemory::Asking {
public:
    explicit Asking(Space& space) : space_(space) {
        const MutexLock lock(space_.news);
        space_.asking = true;
        space_.own.clear();
    }
    Asking(const Asking&) = delete;
    Asking& operator=(const Asking&) = delete;
    ~Asking() {
        const MutexLock lock(space_.news);
        space_.asking = false;
    }

private:
    Space& space_;
};

std::vector<Candidate> VectorMemory::search(const std::string& name_space, std::span<const float> unit, std::size_t k,
                                            float min_score, Executor& executor, Deadline deadline) {
    const SpacePointer space = open(name_space);
    space->searched = ++searches_;
    check_size(*space, name_space);
    if (!space->loaded) load(*space, name_space, executor, deadline);
    if (space->has_stale) read_stale(*space, name_space, executor, deadline);
    std::vector<Candidate> found = space->vectors.search(unit, k, min_score);
    space->vectors.consider_graph();
    make_copies(*space, name_space);
    return found;
}

std::size_t VectorMemory::compact(const std::optional<std::string>& name_space, Executor& executor, Deadline deadline) {
    std::vector<std::pair<std::string, SpacePointer>> spaces;
    {
        const MutexLock lock(spaces_mutex_);
        for (const auto& [name, space] : spaces_) {
            if (!name_space || *name_space == name) spaces.emplace_back(name, space);
        }
    }
    std::size_t tombstones = 0;
    for (const auto& [name, space] : spaces) {
        if (space->loaded && space->has_stale) read_stale(*space, name, executor, deadline);
        tombstones += space->vectors.compact();
        count(*space, name);
    }
    return tombstones;
}

void VectorMemory::load(Space& space, const std::string& name_space, Executor& executor, Deadline deadline) {
    const TimedLock reading(space.reading, deadline);
    if (!space.loaded && restore(space, name_space, deadline)) return;
    while (!space.loaded) {
        if (space.loaded_to != 0 && options_.copy) {
            copy(space, name_space, deadline);
            space.loaded = true;
            if (options_.loaded) options_.loaded();
            return;
        }
        const Statement page(sql_.load, name_space, space.loaded_to, kPage);
        const Asking asking(space);
        const Rows rows = executor.query(Statement(page).repeatable(), deadline);
        take(space, decoded(rows), {});
        count(space, name_space);
        check_size(space, name_space);
        if (!rows.empty()) space.loaded_to = rows[rows.size() - 1].get<std::int64_t>("id");
        space.loaded = rows.size() < kPage;
    }
}

bool VectorMemory::restore(Space& space, const std::string& name_space, Deadline deadline) {
    if (!options_.restore || space.loaded_to != 0 || space.vectors.size().changes != 0) return false;
    const auto stale = options_.restore(name_space, space.vectors, deadline);
    if (!stale) return false;
    space.saved = space.vectors.size().changes;
    {
        const MutexLock lock(space.news);
        for (const std::string& hash : *stale) space.mark(hash);
    }
    count(space, name_space);
    check_size(space, name_space);
    space.loaded = true;
    return true;
}

std::optional<VectorMemory::Saved> VectorMemory::picture(const std::string& name_space, Deadline deadline) {
    const SpacePointer space = find(name_space);
    if (!space || !space->loaded) return std::nullopt;
    const TimedLock reading(space->reading, deadline);  // else some are neither stale nor there yet
    const MutexLock lock(space->news);
    const std::uint64_t changes = space->vectors.size().changes;
    return Saved{space->vectors.row_format(),
                 space->vectors.picture(),
                 {space->stale.begin(), space->stale.end()},
                 [space, changes] { space->saved = changes; }};
}

// All in one snapshot, younger than the space: what is changed after it is noted here.
void VectorMemory::copy(Space& space, const std::string& name_space, Deadline deadline) {
    const Asking asking(space);
    Taken rows;
    const auto take_them = [&]() STELE_REQUIRES(space.reading) {
        if (rows.empty()) return;
        take(space, rows, {});
        space.loaded_to = rows.back().id;
        rows.clear();
        count(space, name_space);
        check_size(space, name_space);
    };
    const auto one = [&](const VectorRow& row) STELE_REQUIRES(space.reading) {
        rows.push_back({row.id, std::string(row.hash), row.writer, decode_entry_vector(row.embedding, dimension_)});
        if (rows.size() == kTakenAtOnce) take_them();
    };
    try {
        options_.copy(name_space, space.loaded_to, one, deadline);
    } catch (...) {
        take_them();
        throw;
    }
    take_them();
}

// What is marked while it reads is left to the next search: else it would never end where there is much to do.
void VectorMemory::read_stale(Space& space, const std::string& name_space, Executor& executor, Deadline deadline) {
    const TimedLock reading(space.reading, deadline);
    Hashes all;
    {
        MutexLock lock(space.news);
        all.swap(space.stale);
        space.reading_stale = true;
    }
    try {
        while (!all.empty()) {
            std::vector<std::string> page;
            for (auto it = all.begin(); it != all.end() && page.size() < kPage; ++it) page.push_back(*it);
            const Statement statement(sql_.by_question, name_space, page);
            const Asking asking(space);
            const Rows rows = executor.query(Statement(statement).repeatable(), deadline);
            take(space, decoded(rows), {page.begin(), page.end()});
            for (const std::string& hash : page) all.erase(hash);
        }
        count(space, name_space);
        check_size(space, name_space);
        // only now: who searches meanwhile waits for it
        MutexLock lock(space.news);
        space.reading_stale = false;
        space.has_stale = !space.stale.empty();
    } catch (...) {
        MutexLock lock(space.news);
        space.reading_stale = false;
        for (const std::string& hash : all) space.mark(hash);
        throw;
    }
}

VectorMemory::Taken VectorMemory::decoded(const Rows& rows) const {
    Taken all;
    all.reserve(rows.size());
    for (const Row& row : rows) {
        all.push_back({row.get<std::int64_t>("id"), row.get<std::string>("query_hash"), row.get<std::int64_t>("writer"),
                       decode_entry_vector(row.get<std::span<const std::byte>>("embedding"), dimension_)});
    }
    return all;
}

// `absent`: the questions that were asked for; those without a row have none.
void VectorMemory::take(Space& space, const Taken& rows, Hashes absent) {
    MutexLock lock(space.news);
    for (const TakenRow& row : rows) {
        absent.erase(row.hash);
        if (space.own.contains(row.hash)) {  // the row may be from before
            space.mark(row.hash);
            continue;
        }
        space.vectors.put(row.id, {.question = question_tag(row.hash), .writer = row.writer}, row.unit);
    }
    for (const std::string& hash : absent) {
        if (space.own.contains(hash)) {
            space.mark(hash);
        } else {
            space.vectors.remove_question(question_tag(hash));
        }
    }
}

}  // namespace stele
