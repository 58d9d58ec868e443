// Turning images into vectors.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "stele/content.hpp"
#include "stele/deadline.hpp"
#include "stele/embedder.hpp"
#include "stele/export.hpp"

namespace stele {
inline namespace v0 {

/// Images in, unit vectors out, in batches: what Embedder is for texts. A model that puts both into one space can be
/// one class with both bases; its dimension() and fingerprint() then serve both. Implementations are thread-safe.
class STELE_API ImageEmbedder {
public:
    virtual ~ImageEmbedder() = default;

    /// As of Embedder. Texts are found among images only if both embedders have one fingerprint.
    virtual std::size_t dimension() const = 0;
    virtual const std::string& fingerprint() const = 0;
    /// One embedding an image, in the order of `images`, whose mime types begin with "image". Throws
    /// Error(embedder_failed), for a format that it cannot read too, or Error(deadline_exceeded).
    virtual std::vector<Embedding> embed_images(std::span<const ResourceContent> images, Deadline deadline) = 0;
};

}  // namespace v0
}  // namespace stele
