// The threads of a database's memories: which there are, what may go, where one goes on as another.
//
//     stele::MemoryThreads threads(database, stele::MemoryKind::conversations);
//     for (const stele::MemoryThread& each : threads.list().threads) show(each.identifier, each.items, each.active);
//     threads.prune({.created_before = ninety_days_ago});
//     threads.fork("thread-1", "thread-1-again", turn.created);
//     threads.remove("thread-1");
//
// A thread is one ConversationMemory, whose items are turns, or one ModelMemory, whose items are elements; the two
// kinds are apart, also where they have the same identifier. To erase all that belongs to somebody see
// stele/erasure.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "stele/database.hpp"
#include "stele/export.hpp"
#include "stele/memory_database.hpp"
#include "stele/memory_window.hpp"
#include "stele/timestamp.hpp"

namespace stele {
inline namespace v0 {

enum class MemoryKind : std::uint8_t { conversations, models };

struct MemoryThread {
    std::string identifier;
    std::size_t items = 0;                   ///< turns, or elements
    std::size_t bytes = 0;                   ///< of their JSON, as the database writes it
    Timestamp active{};                      ///< the stamp of the newest thing in it, or when it was made
    std::optional<std::string> parent = {};  ///< of a fork; its items are those that are its own

    friend bool operator==(const MemoryThread&, const MemoryThread&) = default;
};

struct MemoryThreadsPage {
    std::vector<MemoryThread> threads;     ///< the last active first
    std::optional<std::string> next = {};  ///< the token of the page after it; none: this was the last
};

struct RemovedThread {
    bool found = false;
    std::size_t items = 0, bytes = 0;
    std::size_t snapshots = 0;  ///< of variables
    std::size_t forks = 0;      ///< threads that went on from it, and have lost what they had of it

    friend bool operator==(const RemovedThread&, const RemovedThread&) = default;
};

struct PrunedThreads {
    std::size_t threads = 0;  ///< of which something went
    std::size_t removed = 0;  ///< of these, as a whole
    std::size_t items = 0, bytes = 0;
    std::size_t snapshots = 0;  ///< of variables
    std::string last = {};      ///< the thread that was looked at last: what PruneThreadsOptions::after takes

    friend bool operator==(const PrunedThreads&, const PrunedThreads&) = default;
};

/// What prune() removes: items that none of the first three keeps. At least one of them must be given.
struct PruneThreadsOptions {
    /// Of each thread the newest so many stay; 0 counts as 1.
    std::optional<std::size_t> keep = {};
    /// What is not older than this stays.
    std::optional<Timestamp> created_before = {};
    /// Of each thread the newest that together have at most so many bytes stay, and at least one.
    std::optional<std::size_t> keep_bytes = {};

    std::optional<std::string> identifier = {};  ///< of one thread; none: of all
    std::string after = {};                      ///< only threads behind this one, in the order of identifiers
    bool dry_run = false;                        ///< only tell
    std::size_t batch = 1000;                    ///< items that go in one transaction, at least 1
    /// Called after each batch with what was done so far. What it throws ends it.
    std::function<void(const PrunedThreads&)> progress = {};
};

/// Thread-safe, but for what in() returns. Copies share everything; nothing is kept in memory. Identifiers are text of
/// 1 to 1,024 bytes, UTF-8 without U+0000, else Error(invalid_argument). Without a deadline
/// DatabaseOptions::call_timeout applies.
class STELE_API MemoryThreads {
public:
    /// The database must have Stele's tables, so not be opened as DatabaseOptions::bare without them: else every call
    /// throws the server's error.
    MemoryThreads(Database database, MemoryKind kind);
    /// Those of a twin without a database, for tests: the same behaviour, in memory. It joins no transaction, counts
    /// bytes as they were written, and sorts identifiers by their bytes.
    static MemoryThreads in_memory(MemoryKind kind, MemoryDatabase database);

    /// The same inside a transaction: what it removes is removed with that. For one thread; not to be used once that is
    /// over.
    MemoryThreads in(Transaction& transaction) const;
    MemoryThreads in(Savepoint& savepoint) const;

    /// A page of threads: those active last, or those behind the page that gave the token `before`. limit 0: an empty
    /// page, the last. It looks once at every thread there is, by an index, and reads those of the page, whose bytes it
    /// counts. A walk meets no thread twice; one that was not met yet and gets active meanwhile is at the front again,
    /// and not met: to meet all, walk by_identifier(). Error(invalid_argument) for a token that is none.
    MemoryThreadsPage list(const std::optional<std::string>& before = {}, std::size_t limit = 50,
                           std::optional<Deadline> deadline = {}) const;
    /// Those behind `after`, in the order of their identifiers, which is the database's; from the first on if it is
    /// empty. It reads those of the page alone. A walk, each time after the last, meets each thread that is there all
    /// the while once, whatever happens to it and others meanwhile.
    std::vector<MemoryThread> by_identifier(const std::string& after = {}, std::size_t limit = 50,
                                            std::optional<Deadline> deadline = {}) const;
    /// Nothing: there is no such thread.
    std::optional<MemoryThread> find(const std::string& identifier, std::optional<Deadline> deadline = {}) const;

    /// Begins a thread that goes on from another: it recalls and pages through what that had up to and including `at`
    /// (a turn's `created`, the stamp of a MemoryPosition; none: all that is there), and then its own. Nothing of it is
    /// copied but the newest variables until then. One statement. What either stores from then on is its own; what is
    /// replaced, pruned or removed in the parent is so for the fork. A turn that it has of the parent, and a call whose
    /// key was used there, all of it up to `at`, is not stored again in the fork. An element with an identifier stays
    /// the parent's: stored in the fork it is Error(constraint_violation). draive's processes see of a fork only
    /// what is its own. To recall the newest n, up to n are read of the thread, of its parent, and so on.
    ///
    /// Returns the fork's position. Error(not_found) when there is no such parent, or nothing in it until `at`;
    /// Error(constraint_violation) when the thread is there already.
    MemoryPosition fork(const std::string& parent, const std::string& thread, std::optional<Timestamp> at = {},
                        std::optional<Deadline> deadline = {});

    /// Removes a thread and all that belongs to it: items, variables, keys of calls. Nothing brings it back. One
    /// transaction in one round trip; a call of remember() that waits for it begins the thread anew. Forks of it stay,
    /// without what they had of it.
    RemovedThread remove(const std::string& identifier, std::optional<Deadline> deadline = {});

    /// What remove() would say now: one statement, which changes nothing and waits for nobody.
    RemovedThread would_remove(const std::string& identifier, std::optional<Deadline> deadline = {}) const;

    /// Removes old items of each thread, the oldest first, and snapshots of variables that a newer one has replaced and
    /// that are not younger than created_before. Never parts a response of a tool from its request: items older than
    /// asked stay for that (turns are whole already), also when the response comes meanwhile. A request that waits for
    /// its response may go, and first: its response is refused after that. The newest snapshot stays, and so do keys of
    /// calls.
    ///
    /// With created_before alone, threads that were not active since then go as remove() lets them go.
    ///
    /// Each batch is a transaction of its own, unless it is in one. What was broken off may be called again, from the
    /// start or with `after`, and does what is left. A dry run tells what would go. `deadline` is that of all of it;
    /// without one each statement has DatabaseOptions::call_timeout. Error(invalid_argument) when nothing says what
    /// stays.
    PrunedThreads prune(const PruneThreadsOptions& options, std::optional<Deadline> deadline = {});

private:
    struct Impl;
    explicit MemoryThreads(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
    std::shared_ptr<Impl> impl_;
};

}  // namespace v0
}  // namespace stele
