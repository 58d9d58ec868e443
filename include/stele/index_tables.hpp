// Which vector indexes a database has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "stele/database.hpp"
#include "stele/detail/index_core.hpp"
#include "stele/export.hpp"

namespace stele {
inline namespace v0 {

/// What a program declared to be searched by words, when the index for that was built.
struct IndexedText {
    std::vector<std::string> members;  ///< their paths, as json_field() reads them: "author.name"
    std::string configuration;
};

/// A table that a VectorIndex can be opened on.
struct IndexTableInfo {
    std::string table;  ///< without its schema
    VectorType type = VectorType::vector;
    std::size_t dimension = 0;      ///< 0: the column does not say
    std::string fingerprint;        ///< of the embedder; empty: not told, as by draive
    bool keyed = false;             ///< has columns for IndexOptions::key
    AnnIndex ann = AnnIndex::none;  ///< one that is complete, hnsw if there are several
    /// Of its indexes for words, the newest first.
    std::vector<IndexedText> text;
    std::uint64_t bytes = 0;  ///< on disk, indexes included
};

/// Those of the database's schema that this role may read, by name; whoever made them. Nothing where pgvector is not
/// installed.
STELE_API std::vector<IndexTableInfo> index_tables(Database& database, std::optional<Deadline> deadline = {});

}  // namespace v0
}  // namespace stele
