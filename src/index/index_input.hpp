// From what is indexed, or asked, to vectors.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "index/index_store.hpp"
#include "stele/detail/index_core.hpp"

namespace stele {

struct IndexEmbedders {
    std::shared_ptr<Embedder> text;
    std::shared_ptr<ImageEmbedder> images;
    std::string fingerprint;  ///< of vectors that come ready

    /// Of what these inputs become. Error(embedder_failed) when there is no embedder for them.
    VectorFrame frame(const IndexInput& input) const;
    /// Of a table that has nothing in it yet. 0: the embedder's dimension; Error(invalid_argument) where there is none,
    /// or it has another.
    VectorFrame new_frame(std::size_t dimension) const;
};

/// Throws Error(invalid_argument) for text and images in one call, media that are no images, text that cannot be
/// stored, vectors of no direction or of different lengths; the message tells which value it is.
void check_inputs(std::span<const detail::IndexItem> items);
/// A text/... resource becomes its text. Error(invalid_argument) for what is neither text nor image nor vector.
IndexInput check_query(const IndexInput& query);

/// Tells two texts, or two images, apart. Nothing for vectors.
std::optional<std::string> digest_of(const IndexInput& input);

struct EmbeddedInput {
    std::vector<float> vector;
    bool truncated = false;
};
/// One call of one embedder for all, whose answers are checked: Error(embedder_failed).
std::vector<EmbeddedInput> embed_inputs(const IndexEmbedders& embedders, std::span<const IndexInput* const> inputs,
                                        Deadline deadline);

}  // namespace stele
