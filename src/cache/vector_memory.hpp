// The vectors of the namespaces that were asked in this process, kept up with what anybody writes.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "cache/cache_sql.hpp"
#include "cache/timed_mutex.hpp"
#include "cache/vector_space.hpp"
#include "stele/executor.hpp"

namespace stele {

/// Thread-safe. A namespace is loaded at its first search. From then on it is told which questions' rows were changed;
/// the next search reads those again, by question, and by as many statements as there are thousands. Who tells it may
/// be late: what a search finds is as old as that. What this process puts itself is found at once.
///
/// All reading is done in pages. What was read stays read when a deadline passes, so that the next call goes on there;
/// waiting for another thread that is reading ends with the deadline, too: Error(deadline_exceeded).
class VectorMemory {
    struct Space;

public:
    VectorMemory(const CacheSql& sql, std::size_t dimension) : sql_(sql), dimension_(dimension) {}

    std::size_t dimension() const noexcept { return dimension_; }

    /// A transaction (0: not known) that is committed has changed the row of this question, or may have.
    void changed(const std::string& name_space, std::string_view hash, std::uint64_t transaction);
    /// Anything of the namespace, or anything at all, may have changed.
    void changed(const std::string& name_space) STELE_EXCLUDES(spaces_mutex_);
    void all_changed() noexcept STELE_EXCLUDES(spaces_mutex_);

    /// A put of this process: made before it is sent, told when it is done. One that is never told counts as a change.
    class Put {
    public:
        Put(VectorMemory* memory, std::string name_space, std::string hash);
        Put(const Put&) = delete;
        Put& operator=(const Put&) = delete;
        ~Put();
        void stored(std::int64_t id, std::int64_t writer, std::span<const float> unit);

    private:
        friend class VectorMemory;
        void tell_new_space(VectorMemory& memory) const;

        VectorMemory* memory_;  // null: there is nothing to tell
        const std::string name_space_, hash_;
        const std::shared_ptr<Space> space_;  // null: it was not in memory when the put began
        std::vector<std::uint64_t> changes_;  // by these transactions meanwhile
        bool alone_ = true;                   // no other put of the question was under way
    };

    /// The best rows of a namespace; reads first what is to be read.
    std::vector<Candidate> search(const std::string& name_space, std::span<const float> unit, std::size_t k,
                                  float min_score, Executor& executor, Deadline deadline);

    /// What is in memory of a namespace as it is, without any reading; null: nothing.
    std::shared_ptr<const VectorSpace> known(const std::string& name_space) const;

    /// The row is gone from the tables, whoever deleted it.
    void forget(const std::string& name_space, std::int64_t id);

    using Size = VectorSpace::Size;
    Size size(std::string_view name_space) const;
    Size size() const;

private:
    using Hashes = std::unordered_set<std::string>;
    struct Space {
        explicit Space(std::size_t dimension) : vectors(dimension) {}
        VectorSpace vectors;

        TimedMutex reading;
        std::int64_t loaded_to STELE_GUARDED_BY(reading) = 0;  // the last id
        std::atomic<bool> loaded{false};

        Mutex news;  // before the lock of the vectors
        std::atomic<bool> has_stale{false};
        Hashes stale STELE_GUARDED_BY(news);                                             // to be read again
        bool asking STELE_GUARDED_BY(news) = false;                                      // a page is under way
        Hashes own STELE_GUARDED_BY(news);                                               // put since it was asked for
        std::unordered_map<std::string, std::vector<Put*>> puts STELE_GUARDED_BY(news);  // under way, by hash

        void mark(const std::string& hash) STELE_REQUIRES(news);
        void enter(Put& put) STELE_REQUIRES(news);
        /// Whether nobody else has changed the question meanwhile.
        bool leave(Put& put, std::int64_t writer) STELE_REQUIRES(news);
    };
    using SpacePointer = std::shared_ptr<Space>;

    SpacePointer find(std::string_view name_space) const STELE_EXCLUDES(spaces_mutex_);
    SpacePointer open(const std::string& name_space) STELE_EXCLUDES(spaces_mutex_);
    void load(Space& space, const std::string& name_space, Executor& executor, Deadline deadline);
    void read_stale(Space& space, const std::string& name_space, Executor& executor, Deadline deadline);
    Rows ask(Space& space, const Statement& statement, Executor& executor, Deadline deadline);
    void take(Space& space, const Rows& rows, Hashes absent);

    const CacheSql& sql_;
    const std::size_t dimension_;
    mutable Mutex spaces_mutex_;
    std::map<std::string, SpacePointer, std::less<>> spaces_ STELE_GUARDED_BY(spaces_mutex_);
};

}  // namespace stele
