// Labels: names for revisions of configurations and templates, "production" and "staging" for example.
//
//     stele::Labels labels(database);
//     labels.move({{stele::LabelStore::templates, "support/greeting", "production"},
//                  {stele::LabelStore::configurations, "support", "production", revision}},
//                 {.author = "ada", .message = "new greeting"});
//     auto live = templates.at(stele::RevisionSelector::labelled("production"));
//
// A label belongs to one identifier of one store and names one of its revisions. It never moves by itself and is never
// removed silently: a revision that has a label is not deleted, whoever tries (the database refuses). Every move is
// kept, also those made in psql.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "stele/database.hpp"
#include "stele/export.hpp"
#include "stele/memory_database.hpp"
#include "stele/revision.hpp"

namespace stele {
inline namespace v0 {

enum class LabelStore : std::uint8_t { configurations, templates };

/// "configurations", "templates": the names of their tables.
STELE_API std::string_view to_string(LabelStore store) noexcept;

/// Where a label is to go.
struct LabelMove {
    LabelStore store = LabelStore::configurations;
    std::string identifier;
    std::string label;
    std::optional<Timestamp> revision = {};  ///< none: the newest there is at the time of the move
};

struct LabelName {
    LabelStore store = LabelStore::configurations;
    std::string identifier;
    std::string label;
};

/// A label as it stands, or stood.
struct Label {
    LabelStore store = LabelStore::configurations;
    std::string identifier;
    std::string label;
    std::optional<Timestamp> revision = {};  ///< none, in a history only: it was taken away
    std::optional<std::string> author = {};
    std::optional<std::string> message = {};
    Timestamp moved;

    friend bool operator==(const Label&, const Label&) = default;
};

struct LabelFilter {
    std::optional<LabelStore> store = {};
    std::optional<std::string> identifier = {};
    std::optional<std::string> label = {};
};

/// Thread-safe, but for what in() returns. Copies share everything. A new label is UTF-8 of 1 to 100 bytes, no blanks,
/// control characters or colons, not "newest": else Error(invalid_argument). Deadline: DatabaseOptions::call_timeout.
class STELE_API Labels {
public:
    explicit Labels(Database database);
    /// Of the twins without a database that share `database`.
    explicit Labels(MemoryDatabase database);

    /// The same inside a transaction.
    Labels in(Transaction& transaction) const;
    Labels in(Savepoint& savepoint) const;

    /// Moves all of them, or creates them, in one step: in the database no reader sees some moved and others not, and
    /// what processes keep in memory follows. A label that is there already is no move. Throws Error(not_found) when a
    /// revision does not exist; then none has moved. Two of the same label in one call are Error(invalid_argument).
    /// Visible to this process at once, to others within their DatabaseOptions::max_staleness. Two calls that move
    /// labels of the same revisions crosswise may be Error(serialization) for one of them: nothing has moved, call
    /// again.
    void move(std::span<const LabelMove> moves, const RevisionNote& note = {}, std::optional<Deadline> deadline = {});
    void move(std::initializer_list<LabelMove> moves, const RevisionNote& note = {},
              std::optional<Deadline> deadline = {}) {
        move(std::span<const LabelMove>(moves.begin(), moves.size()), note, deadline);
    }
    /// Takes labels away, in one step; returns how many there were.
    std::size_t remove(std::span<const LabelName> labels, const RevisionNote& note = {},
                       std::optional<Deadline> deadline = {});
    std::size_t remove(std::initializer_list<LabelName> labels, const RevisionNote& note = {},
                       std::optional<Deadline> deadline = {}) {
        return remove(std::span<const LabelName>(labels.begin(), labels.size()), note, deadline);
    }

    /// By store, identifier and label.
    std::vector<Label> list(const LabelFilter& filter = {}, std::optional<Deadline> deadline = {}) const;
    /// All moves of the labels that the filter lets through, the newest first.
    std::vector<Label> history(const LabelFilter& filter = {}, std::size_t limit = 100,
                               std::optional<Deadline> deadline = {}) const;

    struct Impl;

private:
    explicit Labels(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
    std::shared_ptr<Impl> impl_;
};

}  // namespace v0
}  // namespace stele
