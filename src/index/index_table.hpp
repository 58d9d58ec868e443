// The table of a vector index: what it is like, making it, its names in SQL.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "index/index_store.hpp"
#include "stele/executor.hpp"

namespace stele {

/// What the catalogs say.
struct TableFacts {
    std::string extension;          ///< pgvector's schema, quoted; empty: it is not installed
    std::uint32_t vector_type = 0;  ///< OID of its type vector
    std::size_t block_bytes = 0;    ///< of the server's pages
    bool iterates = false;          ///< pgvector can go on when a filter leaves too few (0.8)
    bool table = false;
    bool owned = false;                        ///< by this role, so that it may be changed
    bool half = false;                         ///< float16
    bool keyed = false;                        ///< has the columns for keys
    bool copies = false;                       ///< COPY takes rows: no view, and no policies guard them
    std::optional<std::string> hnsw, ivfflat;  ///< the names of such indexes
    int lists = 1;                             ///< of the latter
    std::set<std::string> indexes;             ///< the names of all that are valid
    VectorFrame frame;
    bool noted = false;  ///< the column of vectors has a comment, the library's or another
    std::string stamp;   ///< that of stamp_sql()

    /// Has an ANN index.
    bool approximate() const { return hnsw || ivfflat; }
};

/// An index that the options ask for.
struct WantedIndex {
    std::string name;        ///< for vectors that of another of its kind, if there is one
    std::string definition;  ///< what follows CREATE INDEX name ON table
    bool there = false;
    std::string note{};  ///< its comment; empty: none
};

/// Thread-safe to read; changed under its owner's lock.
class IndexTable {
public:
    IndexTable(std::string quoted_schema, VectorIndexOptions options);

    /// Throws Error(schema_conflict) if something else has the table's name. What no comment and no type tells is read
    /// from rows.
    TableFacts look(Executor& executor, Deadline deadline) const;
    /// Makes what is missing for such vectors and, if asked, for keys; then look() again. In a transaction, in which a
    /// table that is there stays locked. Throws Error(schema_missing) if it must not or cannot, and what check_frame
    /// throws.
    void make(Executor& executor, const TableFacts& facts, const VectorFrame& frame, bool keyed,
              Deadline deadline) const;
    /// From the comment on the column of vectors; empty: it tells none.
    static std::string fingerprint_of(std::string_view note);
    /// make() failed because another was quicker: then what that one made is there.
    static bool was_made_meanwhile(const Error& error);
    /// Whether make() would change anything.
    static bool lacks(const TableFacts& facts, const VectorFrame& frame, bool keyed);

    /// In SQL, a text of which table it is and of its column of vectors: its type, its length, its comment. While it
    /// stays the same, facts hold; it costs a statement next to nothing to say it along.
    std::string stamp_sql() const;

    std::vector<WantedIndex> wanted(const TableFacts& facts) const;
    /// Its comment, for one that is there.
    Statement note(const WantedIndex& index) const;
    /// The words of a row, as their index has them, and what they are searched for: the text in the parameter of this
    /// number.
    std::string words_sql() const;
    std::string wanted_words_sql(std::size_t parameter) const;
    /// Whether members at this path have an index that this library made.
    bool has_index(const TableFacts& facts, const detail::FilterPath& path) const;

    const std::string& quoted() const noexcept { return quoted_; }
    const std::string& name() const noexcept { return options_.table; }

private:
    void make_extension(Executor& executor, Deadline deadline) const;
    void extend(Executor& executor, const TableFacts& facts, const VectorFrame& frame, bool keyed,
                Deadline deadline) const;
    void read_frame(Executor& executor, TableFacts& facts, Deadline deadline) const;
    std::vector<Statement> keys() const;
    std::vector<Statement> creation(const TableFacts& facts, const VectorFrame& frame) const;
    [[noreturn]] void missing(const std::string& what, const std::string& advice, const Error* error = nullptr) const;
    Statement comment(const std::string& fingerprint) const;
    std::string index_name(std::string_view kind, std::string_view of) const;
    std::string member_index_name(const detail::FilterPath& path) const;

    std::string schema_, quoted_;  // in SQL
    VectorIndexOptions options_;
};

}  // namespace stele
