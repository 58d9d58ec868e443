// A folder of texts as documents of an index.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "stele/describe.hpp"
#include "stele/embedder.hpp"
#include "text_chunks.hpp"

namespace stele::cli {

/// A part of a file that an embedder reads to its end.
struct DocumentChunk {
    std::string path;           ///< of the file, in the folder, with slashes
    std::string title;          ///< of the file: its first heading, else its name
    std::string heading;        ///< "The stele command > Exit status"; empty: none
    std::int64_t position = 0;  ///< in the file, from 0
    std::string text;

    /// What identifies it: "docs/cli.md#3".
    std::string key() const;
    /// What is embedded.
    std::string whole() const;
};
STELE_DESCRIBE(DocumentChunk, (path), (title), (heading), (position), (text))

/// "fits" of a text chunk. Where the embedder does not tell how long texts are to it, a text of some 200 words does.
FitsEmbedder fits_embedder(const Embedder& embedder);

/// The chunks of all files in a folder whose names end with one of `types`, file by file, in order. .md and .markdown
/// are read as Markdown. `prefix` is put before the paths. Throws Error(invalid_argument) for a folder or file that
/// cannot be read, or that is not UTF-8.
std::vector<DocumentChunk> read_documents(const std::filesystem::path& folder, const std::vector<std::string>& types,
                                          const std::string& prefix, const Embedder& embedder);

}  // namespace stele::cli
