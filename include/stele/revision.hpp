// Revisions of configurations and templates: which one is meant, what is known about one, which may go.
//
// Both stores add a row for each change and remove none of themselves. A revision is named by its identifier and the
// moment it was created, to the microsecond; no two of one identifier have the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "stele/export.hpp"
#include "stele/timestamp.hpp"

namespace stele {
inline namespace v0 {

/// Who makes a revision or moves a label, and why. Kept in a table beside the store's own.
struct RevisionNote {
    std::optional<std::string> author = {};
    std::optional<std::string> message = {};
};

struct Revision {
    Timestamp created;
    std::optional<std::string> author = {};
    std::optional<std::string> message = {};
    std::vector<std::string> labels = {};  ///< that name it now, in the order of their bytes

    friend bool operator==(const Revision&, const Revision&) = default;
};

/// Which revision of an identifier is meant. A value type; thread-safe to read.
class STELE_API RevisionSelector {
public:
    enum class Kind : std::uint8_t { newest, labelled, as_of, exactly };

    static RevisionSelector newest() { return {Kind::newest, {}, {}}; }
    /// The one that the label names (stele/labels.hpp); none if the identifier has no such label.
    static RevisionSelector labelled(std::string label) { return {Kind::labelled, std::move(label), {}}; }
    /// The newest that had been created by then.
    static RevisionSelector as_of(Timestamp time) { return {Kind::as_of, {}, time}; }
    static RevisionSelector exactly(Timestamp created) { return {Kind::exactly, {}, created}; }

    Kind kind() const noexcept { return kind_; }
    const std::string& label() const noexcept { return label_; }
    Timestamp time() const noexcept { return time_; }
    /// "newest", "label production", "as of 2026-01-31T10:20:30+00:00", "revision 2026-01-31T10:20:30.123456+00:00"
    std::string to_string() const;

private:
    RevisionSelector(Kind kind, std::string label, Timestamp time)
        : kind_(kind), label_(std::move(label)), time_(time) {}
    Kind kind_;
    std::string label_;
    Timestamp time_;
};

struct HistoryOptions {
    std::size_t limit = 100;               ///< at most; 0 gives none
    std::optional<Timestamp> before = {};  ///< only revisions older than this: the last of the page before
};

/// What prune() removes: revisions that are both beyond the newest `keep` of their identifier and created before
/// `created_before`. Never the newest, and never one that has a label.
struct PruneOptions {
    std::optional<std::string> identifier = {};    ///< none: of all
    std::size_t keep = 10;                         ///< 0 counts as 1
    std::optional<Timestamp> created_before = {};  ///< none: however young
    bool dry_run = false;                          ///< only tell
};

struct PrunedRevision {
    std::string identifier;
    Timestamp created;

    friend bool operator==(const PrunedRevision&, const PrunedRevision&) = default;
};

struct Pruned {
    std::vector<PrunedRevision> revisions;  ///< removed, or those that would be; by identifier, oldest first
    std::size_t labelled = 0;               ///< left because a label names them
};

}  // namespace v0
}  // namespace stele
