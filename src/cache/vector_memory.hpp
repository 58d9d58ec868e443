// The vectors of the namespaces that were asked in this process, kept up with what anybody writes.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "cache/cache_sql.hpp"
#include "cache/timed_mutex.hpp"
#include "cache/vector_space.hpp"
#include "stele/executor.hpp"

namespace stele {

/// A row as it was read. Views are valid during the call that gets it.
struct VectorRow {
    std::int64_t id;
    std::string_view hash;
    std::int64_t writer;
    std::span<const std::byte> embedding;
};

struct VectorMemoryOptions {
    VectorFormat format = VectorFormat::float32;
    std::size_t limit_bytes = 0;  ///< of all namespaces; 0: none
    IndexBackend backend = IndexBackend::flat;
    GraphOptions graph{};
    /// Reads all rows of a namespace with a higher id, in order; null: they are read by pages.
    using Copy = std::function<void(const std::string& name_space, std::int64_t after,
                                    const std::function<void(const VectorRow&)>& row, Deadline deadline)>;
    Copy copy{};
    /// Fills an empty space with what is known of the namespace, and returns the questions whose rows are to be read
    /// again; nothing: the space is still empty. Null: nothing is known.
    using Restore = std::function<std::optional<std::vector<std::string>>(const std::string& name_space,
                                                                          VectorSpace& space, Deadline deadline)>;
    Restore restore{};
    std::function<void()> loaded{};  ///< a namespace was loaded from the tables
};

/// Thread-safe. A namespace is loaded at its first search. From then on it is told which questions' rows were changed;
/// the next search reads those again, by question, and by as many statements as there are thousands. Who tells it may
/// be late: what a search finds is as old as that. What this process puts itself is found at once.
///
/// All reading is done in pages, or as they come. What was read stays read when a deadline passes, so that the next
/// call goes on there; waiting for another thread that is reading ends with the deadline, too:
/// Error(deadline_exceeded).
///
/// Where it would take more than the limit, copies of rows are given up first, then namespaces are let go, those that
/// were searched longest ago before others. One that alone is too large cannot be searched, Error(limit_exceeded),
/// until it was changed so much that it is let go, too.
class VectorMemory {
    struct Space;

public:
    VectorMemory(const CacheSql& sql, std::size_t dimension, VectorMemoryOptions options = {})
        : sql_(sql), dimension_(dimension), options_(std::move(options)), format_(options_.format) {}

    std::size_t dimension() const noexcept { return dimension_; }
    VectorFormat format() const noexcept { return format_; }
    /// All is read again when it is searched.
    void set_format(VectorFormat format) noexcept;

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

    /// Some namespace is searched by a graph.
    bool has_graph() const { return size().graph_rows != 0; }
    /// What is in memory of a namespace as it is, without any reading; null: nothing.
    std::shared_ptr<const VectorSpace> known(const std::string& name_space) const;

    /// Of what is in memory of a namespace, or of all: reads what was changed, and says how many tombstones went.
    std::size_t compact(const std::optional<std::string>& name_space, Executor& executor, Deadline deadline);

    /// The row is gone from the tables, whoever deleted it.
    void forget(const std::string& name_space, std::int64_t id);

    /// A namespace of which all is in memory.
    struct InMemory {
        std::string name_space;
        VectorFormat format;
        std::size_t rows;
        std::uint64_t changes;  ///< since it was restored, or a picture of it was done with
    };
    std::vector<InMemory> in_memory() const;
    /// What a search would see by now of one of these, after it has read the rows of the stale questions.
    struct Saved {
        RowFormat format;
        FlatIndex::Picture picture;
        std::vector<std::string> stale;
        std::function<void()> done;  ///< to be called when it was saved
    };
    std::optional<Saved> picture(const std::string& name_space, Deadline deadline);

    using Size = VectorSpace::Size;
    Size size(std::string_view name_space) const;
    Size size() const;

private:
    using Hashes = std::unordered_set<std::string>;
    struct Space {
        Space(std::size_t dimension, VectorFormat format, const GraphPlan& plan) : vectors(dimension, format, plan) {}
        VectorSpace vectors;
        std::atomic<std::uint64_t> searched{0};  // the number of its last search
        std::atomic<std::size_t> counted{0};     // bytes; changed under the lock of the spaces
        std::atomic<bool> too_large{false};
        std::atomic<std::uint64_t> saved{0};  // changes by then

        TimedMutex reading;
        std::int64_t loaded_to STELE_GUARDED_BY(reading) = 0;  // the last id
        std::atomic<bool> loaded{false};

        Mutex news;  // before the lock of the vectors
        std::atomic<bool> has_stale{false};
        Hashes stale STELE_GUARDED_BY(news);                                             // to be read again
        bool reading_stale STELE_GUARDED_BY(news) = false;                               // some are in nobody's set
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
    SpacePointer new_space(VectorFormat format) const;
    struct TakenRow {
        std::int64_t id;
        std::string hash;
        std::int64_t writer;
        std::vector<float> unit;
    };
    using Taken = std::vector<TakenRow>;
    class Asking;

    void load(Space& space, const std::string& name_space, Executor& executor, Deadline deadline);
    void read_stale(Space& space, const std::string& name_space, Executor& executor, Deadline deadline);
    void take(Space& space, const Taken& rows, Hashes absent);
    Taken decoded(const Rows& rows) const;
    void copy(Space& space, const std::string& name_space, Deadline deadline) STELE_REQUIRES(space.reading);
    void count(Space& space, const std::string& name_space) STELE_EXCLUDES(spaces_mutex_);
    /// After a search, where there is room.
    void make_copies(Space& space, const std::string& name_space) STELE_EXCLUDES(spaces_mutex_);
    void drop_copies() STELE_REQUIRES(spaces_mutex_);
    void let_go(SpacePointer& space) STELE_REQUIRES(spaces_mutex_);
    bool restore(Space& space, const std::string& name_space, Deadline deadline) STELE_REQUIRES(space.reading);
    void check_size(const Space& space, const std::string& name_space) const;

    const CacheSql& sql_;
    const std::size_t dimension_;
    const VectorMemoryOptions options_;
    std::atomic<VectorFormat> format_;
    std::atomic<std::uint64_t> searches_{0};
    mutable Mutex spaces_mutex_;
    std::map<std::string, SpacePointer, std::less<>> spaces_ STELE_GUARDED_BY(spaces_mutex_);
    std::size_t bytes_ STELE_GUARDED_BY(spaces_mutex_) = 0;  // the sum of what was counted
};

}  // namespace stele
