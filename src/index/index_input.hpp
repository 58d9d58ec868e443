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

/// What the inputs of a call have in common: that of the first.
struct InputShape {
    std::size_t kind = 0;
    std::size_t dimension = 0;  ///< of a vector
    std::size_t position = 0;   ///< of the first

    InputShape(std::size_t first_position, const IndexInput& first);
    bool is_vector() const noexcept;
};
/// Throws Error(invalid_argument) for media that are no images, text that cannot be stored, vectors of no direction,
/// keys that are empty or too long; the message tells which value it is.
void check_item(std::size_t position, const detail::IndexItem& item);
/// Throws Error(invalid_argument) or Error(dimension_mismatch) if it is of another shape.
void check_alike(std::size_t position, const IndexInput& input, const InputShape& shape);
/// A text/... resource becomes its text. Error(invalid_argument) for what is neither text nor image nor vector.
IndexInput check_query(const IndexInput& query);

/// Tells the vectors that an embedder makes of two texts, or two images, apart. Nothing for vectors.
std::optional<std::string> digest_of(const IndexInput& input, const std::string& fingerprint);

struct EmbeddedInput {
    std::vector<float> vector;
    bool truncated = false;
};
/// One call of one embedder for all, whose answers are checked: Error(embedder_failed).
std::vector<EmbeddedInput> embed_inputs(const IndexEmbedders& embedders, std::span<const IndexInput* const> inputs,
                                        Deadline deadline);
/// The same, but for the vectors themselves: only that there is one for each.
std::vector<EmbeddedInput> embed_unchecked(const IndexEmbedders& embedders, std::span<const IndexInput* const> inputs,
                                           Deadline deadline);
/// Throws Error(embedder_failed) for a vector of another length, or of no direction.
void check_embedded(std::span<const float> vector, std::size_t dimension);

}  // namespace stele
