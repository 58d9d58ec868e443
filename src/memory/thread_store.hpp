// What the housekeeping of threads asks of where they are kept.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "memory/tool_uses.hpp"
#include "stele/deadline.hpp"
#include "stele/memory_threads.hpp"

namespace stele {

/// Threads of one kind. Thread-safe, unless it is in a transaction. Arguments have been checked.
class ThreadStore {
public:
    struct Cursor {
        Timestamp active;
        std::string identifier;
    };
    /// What stays of each thread; see PruneThreadsOptions.
    struct Limits {
        std::optional<std::size_t> keep = {};
        std::optional<Timestamp> created_before = {};
        std::optional<std::size_t> keep_bytes = {};

        /// Nothing but age decides, so that a thread may go as a whole.
        bool by_age() const noexcept { return !keep && !keep_bytes; }
    };
    /// What may go of one thread.
    struct Cut {
        std::string thread;
        std::optional<Timestamp> before = {};  ///< older items; none: no item
        bool whole = false;
        std::size_t snapshots = 0;  ///< that go then
    };
    struct Forked {
        std::optional<Timestamp> until = {};  ///< none: there was nothing until then
        bool made = false;                    ///< the thread was not there
    };
    struct Gone {
        std::size_t items = 0, bytes = 0;
    };

    virtual ~ThreadStore() = default;
    virtual std::vector<MemoryThread> by_activity(const std::optional<Cursor>& before, std::size_t limit,
                                                  Deadline deadline) = 0;
    virtual std::vector<MemoryThread> by_identifier(const std::string& after, std::size_t limit, Deadline deadline) = 0;
    virtual std::optional<MemoryThread> find(const std::string& thread, Deadline deadline) = 0;
    virtual RemovedThread remove(const std::string& thread, Deadline deadline) = 0;
    virtual RemovedThread would_remove(const std::string& thread, Deadline deadline) = 0;
    virtual Forked fork(const std::string& parent, const std::string& thread, std::optional<Timestamp> at,
                        Deadline deadline) = 0;

    /// One for each thread of by_identifier().
    virtual std::vector<Cut> cuts(const std::string& after, std::size_t limit, const Limits& limits,
                                  Deadline deadline) = 0;
    /// None: there is no such thread.
    virtual std::optional<Cut> cut(const std::string& thread, const Limits& limits, Deadline deadline) = 0;
    /// Calls of tools and their responses, the oldest first, where they may be apart. `since`: none for all of them.
    virtual std::vector<ToolUse> tool_uses(const std::string& thread, std::optional<Timestamp> since,
                                           Deadline deadline) = 0;
    /// Removes the requests of tools that `which` names by their time, given the tool uses `since`. Writers of the
    /// thread wait meanwhile. It may be asked several times, the last of which counts.
    using WhichRequests = std::function<std::vector<Timestamp>(const std::vector<ToolUse>& newer)>;
    virtual Gone remove_requests(const std::string& thread, Timestamp since, const WhichRequests& which,
                                 Deadline deadline) = 0;
    virtual Gone count_older(const std::string& thread, Timestamp before, Deadline deadline) = 0;
    /// The oldest, at most so many.
    virtual Gone remove_older(const std::string& thread, Timestamp before, std::size_t limit, Deadline deadline) = 0;
    /// Those that were replaced; `before`: none for all of them.
    virtual std::size_t remove_snapshots(const std::string& thread, std::optional<Timestamp> before,
                                         Deadline deadline) = 0;
    /// Removes the thread unless it was active since.
    virtual RemovedThread remove_inactive(const std::string& thread, Timestamp since, Deadline deadline) = 0;
};

}  // namespace stele
