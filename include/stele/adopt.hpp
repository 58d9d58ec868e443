// Taking over a schema of draive's, haiway's or mneme's beside the Python processes that use it, and giving it back.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stele/database.hpp"
#include "stele/export.hpp"
#include "stele/migrations.hpp"

namespace stele {
inline namespace v0 {

// The schema is the database's (DatabaseOptions::schema); open it with `bare`, or opening it migrates already. What
// migrate() does to such a schema, adopt() does too; besides, it looks first, waits for no busy table, and notes what
// was there, in the table `stele_adopted`, so that undo_adoption() can take away everything else. All of these may be
// called at once by any number of threads and processes. Without a deadline they take 5 minutes. A transaction pooler
// is no obstacle. They throw what migrate() throws, too.

enum class SchemaObjectKind : std::uint8_t { table, column, index, trigger, function };
/// "table", "column" ...
STELE_API std::string_view to_string(SchemaObjectKind kind) noexcept;

/// Something in the schema.
struct SchemaObject {
    SchemaObjectKind kind = SchemaObjectKind::table;
    std::string table;  ///< that a column, index or trigger belongs to; else empty
    std::string name;   ///< of a function with its parameters: "stele_note_all()"

    friend bool operator==(const SchemaObject&, const SchemaObject&) = default;
};

/// A table that one of the systems keeps.
struct FoundTable {
    std::string name;
    std::string system;  ///< "draive", "haiway" (configurations with its column `name`) or "mneme"
    bool used = true;    ///< false: of a store that Stele does not have yet; it is left alone
};

/// What keeps adopt() from its work.
struct Obstacle {
    std::string object;     ///< a table, or the schema
    std::string problem;    ///< "its column content is of type json, not jsonb"
    std::string fix;        ///< SQL, or what to do; may be empty
    bool is_right = false;  ///< the role lacks a right
};

struct AdoptionPlan {
    bool adopted = false;         ///< what was there before is noted already
    std::vector<int> migrations;  ///< pending, by number
    std::vector<FoundTable> found;
    std::vector<SchemaObject> created;  ///< what is missing; a new table's columns and keys are not named
    std::vector<Obstacle> obstacles;
};

struct AdoptOptions {
    /// How long to wait, in all, for tables that other sessions have locked. While it waits for one it keeps writers
    /// from those it has; so this is how long the Python processes can be held up.
    std::chrono::milliseconds lock_timeout{2000};
};

/// What adopt() would do. Changes nothing and locks nothing: the pending migrations are tried out on temporary tables,
/// for which the role needs TEMPORARY on the database (everybody has it unless it was revoked).
STELE_API AdoptionPlan plan_adoption(Database& database, std::optional<Deadline> deadline = {},
                                     const std::vector<Migration>& all = migrations());

/// Notes what is there and adds what is missing, in one transaction: all of it or nothing. Rows, columns and rights of
/// the tables stay as they are. Returns the plan that it carried out; nothing was to be done when neither `migrations`
/// nor `created` names anything. Of a schema that migrate() changed before, everything but what is named stele_...
/// counts as having been there.
///
/// Throws Error(not_found) when the schema has no table of those systems (and says which schemas have),
/// Error(permission) or Error(schema_conflict) when there are obstacles, with all of them in the message;
/// Error(deadline_exceeded, Retry::call) when a table stayed locked: the message says by which processes, of
/// which roles and for how long, but not what they ran, in which a password can stand.
STELE_API AdoptionPlan adopt(Database& database, const AdoptOptions& options = {},
                             std::optional<Deadline> deadline = {}, const std::vector<Migration>& all = migrations());

/// Rows of Stele's that go with its tables and are nowhere else.
struct LostRows {
    std::string what;   ///< "labels"
    std::string table;  ///< "stele_labels"
    std::int64_t rows = 0;
};

struct UndoPlan {
    std::vector<SchemaObject> dropped;
    /// Tables of draive's or mneme's that were not there before and stay all the same, because they are in use. Those
    /// of mneme stay or go together.
    std::vector<std::string> kept;
    std::vector<LostRows> lost;  ///< what needs UndoOptions::force
};

struct UndoOptions {
    std::chrono::milliseconds lock_timeout{2000};  ///< as in AdoptOptions; readers are held up too
    bool force = false;                            ///< drop labels, their history and notes on revisions, too
};

/// What undo_adoption() would do. Changes nothing. Error(not_found) when the schema was not adopted.
STELE_API UndoPlan plan_undo(Database& database, std::optional<Deadline> deadline = {},
                             const std::vector<Migration>& all = migrations());

/// Drops what Stele added to the schema (tables, columns, indexes, triggers and functions), in one transaction: all of
/// it or nothing. No row of draive's or mneme's tables is touched; what the stores wrote into them stays. Whatever was
/// made since, and not by Stele, stays as well; if it depends on something of Stele's, nothing is dropped and the error
/// names it. Afterwards adopt() works again. Stop the processes that use the schema through Stele first: they would
/// fail, or, if they migrate when they open it, add everything anew.
///
/// Throws Error(not_found) when the schema was not adopted, Error(invalid_argument) when something would be lost and
/// `force` is not set, Error(permission) when the role does not own what is to be changed, and, for a table that stayed
/// locked, what adopt() throws.
STELE_API UndoPlan undo_adoption(Database& database, const UndoOptions& options = {},
                                 std::optional<Deadline> deadline = {},
                                 const std::vector<Migration>& all = migrations());

}  // namespace v0
}  // namespace stele
