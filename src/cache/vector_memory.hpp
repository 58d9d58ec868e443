// The vectors of the namespaces that were asked in this process, kept up with what other processes write.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cache/cache_sql.hpp"
#include "cache/timed_mutex.hpp"
#include "cache/vector_space.hpp"
#include "cache/version_follower.hpp"
#include "stele/executor.hpp"

namespace stele {

/// How far the tables have come, in one snapshot.
struct TablePosition {
    std::int64_t version = 0;
    std::int64_t last_id = 0;
    std::int64_t now = 0;  ///< the database's clock, in seconds
    static TablePosition read(const Row& row);
};

/// Thread-safe. A namespace is loaded at its first search; from then on, whenever a lookup shows that the version
/// counter has moved, what others wrote is read: first the rows with ids beyond the last one seen, then, unless these
/// account for every version, the rows with times since the last look, less a minute. So rows that commit late or are
/// replaced are found, if their writer's clock and the time it takes to commit together are not more than that minute
/// off. Rows that others deleted stay until a search finds them gone.
///
/// All reading is done in pages. What was read stays read when a deadline passes, so that the next call goes on there;
/// waiting for another thread that is reading ends with the deadline, too: Error(deadline_exceeded).
class VectorMemory {
public:
    VectorMemory(const CacheSql& sql, std::size_t dimension, const TablePosition& position);

    std::size_t dimension() const noexcept { return dimension_; }

    using Mark = VersionFollower::Mark;
    /// To be taken before a lookup or a change is sent, for observe(), stored() and removed().
    Mark mark() const STELE_EXCLUDES(version_mutex_);

    /// A lookup saw this version of the tables: reads what others changed. No round trip if nothing did, one if rows
    /// were added, two or three if rows were replaced or deleted; more if it does not fit into a page.
    void observe(Mark before, std::int64_t version, Executor& executor, Deadline deadline) STELE_EXCLUDES(following_);
    /// A row was not the one whose vector is kept: at the next look everything is read again.
    void distrust() STELE_EXCLUDES(version_mutex_);

    /// The best rows of a namespace; loads it first if need be.
    std::vector<Candidate> search(const std::string& name_space, std::span<const float> unit, std::size_t k,
                                  float min_score, Executor& executor, Deadline deadline);

    /// What is in memory of a namespace as it is, without any reading; null: nothing.
    std::shared_ptr<const VectorSpace> known(const std::string& name_space) const;

    /// This process wrote the row; the source's version is what it raised the counter to.
    void stored(Mark before, const std::string& name_space, std::int64_t id, const VectorSource& source,
                std::span<const float> unit);
    /// This process deleted it.
    void removed(Mark before, const std::string& name_space, std::int64_t id, std::int64_t version);
    /// It is gone from the tables, whoever deleted it.
    void forget(const std::string& name_space, std::int64_t id);

    using Size = VectorSpace::Size;
    Size size(std::string_view name_space) const;
    Size size() const;

private:
    struct Space {
        explicit Space(std::size_t dimension) : vectors(dimension) {}
        VectorSpace vectors;
        TimedMutex loading;
        std::int64_t loaded_to STELE_GUARDED_BY(loading) = 0;  // the last id
        std::atomic<bool> loaded{false};
    };
    using SpacePointer = std::shared_ptr<Space>;
    using Names = std::vector<std::string>;

    SpacePointer find(const std::string& name_space) const STELE_EXCLUDES(spaces_mutex_);
    SpacePointer open(const std::string& name_space, Deadline deadline) STELE_EXCLUDES(following_, spaces_mutex_);
    Names names() const STELE_EXCLUDES(spaces_mutex_);
    void load(Space& space, const std::string& name_space, Executor& executor, Deadline deadline);
    void add(Space& space, const Row& row, std::int64_t version) const;

    void start_over() STELE_REQUIRES(following_);
    bool follow(Executor& executor, Deadline deadline) STELE_REQUIRES(following_);
    TablePosition read_recent(const Names& namespaces, const TablePosition& position, Executor& executor,
                              Deadline deadline) STELE_REQUIRES(following_);
    bool went_back(Mark before, std::int64_t version) STELE_EXCLUDES(version_mutex_);

    const CacheSql& sql_;
    const std::size_t dimension_;
    mutable Mutex spaces_mutex_;
    std::map<std::string, SpacePointer, std::less<>> spaces_ STELE_GUARDED_BY(spaces_mutex_);
    mutable Mutex version_mutex_;
    VersionFollower follower_ STELE_GUARDED_BY(version_mutex_);

    // held while following, and while a namespace joins: it is then either asked for or loaded later
    TimedMutex following_;
    struct Moment {
        std::int64_t created_at = 0, id = 0;
    };
    std::int64_t last_id_ STELE_GUARDED_BY(following_);               // rows up to it need no reading for their ids
    Moment last_moment_ STELE_GUARDED_BY(following_);                 // nor those up to it for their times
    std::optional<TablePosition> look_ STELE_GUARDED_BY(following_);  // where a look at the times, not over yet, began
};

}  // namespace stele
