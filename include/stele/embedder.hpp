// Turning texts into vectors.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "stele/deadline.hpp"
#include "stele/export.hpp"

namespace stele {
inline namespace v0 {

/// One embedded text.
struct Embedding {
    std::vector<float> vector;  ///< unit length, Embedder::dimension() elements
    bool truncated = false;     ///< the text was longer than the model reads, so its end did not count
};

/// Texts in, unit vectors out, in batches. Implementations are thread-safe: embed() may be called concurrently.
class STELE_API Embedder {
public:
    virtual ~Embedder() = default;

    /// Elements per vector, fixed for the life of the embedder.
    virtual std::size_t dimension() const = 0;
    /// Opaque identity of everything that decides a vector's value (model, pooling, prefix ...). Vectors of different
    /// fingerprints must never be compared; stores refuse to open with another one.
    virtual const std::string& fingerprint() const = 0;
    /// The cosine from which two texts may be taken for the same, where that was measured for this fingerprint
    /// (docs/embedders.md tells how); nothing: choose one by your own data. One model's means nothing to another.
    virtual std::optional<float> threshold() const { return std::nullopt; }
    /// How many pieces (words, and parts of words) it makes of a text, what it puts around it included, and how many of
    /// them it reads: so that who cuts long texts knows where. Nothing: it cannot tell.
    virtual std::optional<std::size_t> pieces(std::string_view) const { return std::nullopt; }
    virtual std::optional<std::size_t> max_pieces() const { return std::nullopt; }
    /// One embedding a text, in the order of `texts` (UTF-8); no texts give no embeddings. Throws
    /// Error(embedder_failed), or Error(deadline_exceeded) once `deadline` has passed; never returns a NaN, an
    /// infinity or a vector of another length.
    virtual std::vector<Embedding> embed(std::span<const std::string_view> texts, Deadline deadline) = 0;

    Embedding embed_one(std::string_view text, Deadline deadline) {
        std::vector<Embedding> all = embed(std::span(&text, 1), deadline);
        return std::move(all.at(0));
    }
};

}  // namespace v0
}  // namespace stele
