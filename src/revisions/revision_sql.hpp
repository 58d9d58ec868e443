// The statements on a table of revisions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace stele {

/// How a store's table looks beside identifier and created.
struct RevisionTableShape {
    std::string_view store;                 ///< the table's name, and the store's in the tables of notes and labels
    std::vector<std::string_view> columns;  ///< what a revision holds
    std::string_view extra_column = {};     ///< written when the table has it, never compared
};

/// With one schema's names. Parameters: $1 is the identifier unless said otherwise.
class RevisionSql {
public:
    RevisionSql(const RevisionTableShape& shape, const std::string& quoted_schema);

    const std::string& table() const noexcept { return table_; }
    std::string identifiers() const;
    /// $1 the identifier before the page, $2 how many. Gives identifier, created and columns.
    std::string page() const;
    /// These give created and columns. $2: the label, the time.
    std::string newest() const;
    std::string labelled() const;
    std::string as_of() const;
    std::string exactly() const;
    /// $2 and on: the columns, then the extra one if `extra`; then whether what is unchanged is added too; with `noted`
    /// author and message. Gives created of what was added.
    std::string define(bool extra, bool noted) const;
    /// $2 the revision, $3 whether what is unchanged is added too, $4 author, $5 message. Gives created of what was
    /// added.
    std::string restore(bool extra) const;
    std::string remove() const;
    /// $2 before (or null), $3 how many. Gives created, author, message, labels.
    std::string history() const;
    /// $1 the identifier or null, $2 how many stay, $3 created before (or null). Gives identifier, created and whether
    /// a label keeps it; `removes`: those that none keeps are removed.
    std::string prune(bool removes) const;

private:
    std::string select(std::string_view where) const;
    std::string insert(std::string_view source, bool extra, std::string_view append_unchanged) const;
    std::string noted(std::string_view insert, std::string_view author, std::string_view message) const;

    const RevisionTableShape& shape_;
    std::string schema_, table_;
    std::string columns_;  // "content, meta"
};

}  // namespace stele
