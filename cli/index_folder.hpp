// A folder of texts kept in an index.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "stele/vector_index.hpp"
#include "text_documents.hpp"

namespace stele::cli {

/// Not thread-safe.
class FolderIndex {
public:
    /// Both must outlive it. `prefix`: what all paths begin with.
    FolderIndex(VectorIndex<Json>& index, const std::vector<DocumentChunk>& chunks, std::string prefix);

    /// Indexes all chunks, or none of them. Gives how many were embedded, because they are new or changed.
    std::size_t add(std::optional<Deadline> deadline, const std::function<void(std::size_t done)>& progress);
    /// What the index holds beyond that: of these files, because they were longer; with `gone` also of other files
    /// whose paths begin with the prefix.
    std::vector<Uuid> stale(bool gone, std::optional<Deadline> deadline) const;

private:
    VectorIndex<Json>& index_;
    const std::vector<DocumentChunk>& chunks_;
    std::string prefix_;
    std::map<std::string, std::int64_t> counts_;  // of chunks, by path
};

}  // namespace stele::cli
