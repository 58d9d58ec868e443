// What a follower of the change log asks next, and what the answer means. Sans-io.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace stele {

/// A row of the log. What it says is: fetch this again.
struct Change {
    std::string store;
    std::optional<std::string> name_space;  ///< none: all of the store
    std::optional<std::string> key;         ///< none: all of the namespace
    std::uint64_t transaction = 0;          ///< that changed it; 0: not known
    friend bool operator==(const Change&, const Change&) = default;
};

/// Which transactions a statement saw: all below xmin, and those below xmax that were not running.
struct Snapshot {
    std::uint64_t xmin = 0, xmax = 0;
    std::vector<std::uint64_t> running;
    /// pg_snapshot's text form, "xmin:xmax:running,running".
    static Result<Snapshot> parse(std::string_view text);
};

/// A transaction notes its changes under its own id, which it takes long before it commits, and ids commit in any
/// order. So a look does not ask for what comes after a position, but for what became visible since the look before:
/// rows of transactions that were running then, or had not begun. All of it lies there, however long a transaction
/// took.
///
/// Not thread-safe.
class ChangeLog {
public:
    /// Rows of these transactions: at `from` or above, and those of `running`.
    struct Question {
        std::uint64_t from = 0;
        std::vector<std::uint64_t> running;
    };
    struct Look {
        Snapshot snapshot;
        bool standby = false;       ///< where nobody knows which transactions run on the primary
        std::string incarnation;    ///< of schema, cluster and server; another one: what was known is worth nothing
        std::uint64_t removed = 0;  ///< rows of transactions up to this one may have been removed
        bool incomplete = false;    ///< there was more than a look holds
        std::vector<Change> changes;
    };

    ChangeLog() = default;
    /// One that has looked, and knows what that look showed.
    explicit ChangeLog(Look last) : last_(std::move(last)) {}

    Question question() const;
    /// True: the changes say all that happened since the look before. False: nothing that was known before can be
    /// trusted. The first look is of the second kind.
    bool follows(const Look& look);

private:
    std::optional<Look> last_;  // its changes are not kept
};

}  // namespace stele
