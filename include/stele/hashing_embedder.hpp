// An embedder with no model, for tests and for trying Stele out offline. It matches wording, not meaning.
#pragma once

#include "stele/embedder.hpp"

namespace stele {
inline namespace v0 {

/// Hashes the words of a text, its pairs of neighbouring words and the 3- to 5-grams of each word's characters (64-bit
/// FNV-1a with a finaliser) into a fixed number of buckets, and scales the counts to unit length. ASCII letters are
/// folded to lower case; everything else that is not ASCII counts as a letter as it is. The same text gives the same
/// bits on every machine. Every text gives a unit vector; the empty one, blanks and punctuation are similar only to
/// themselves.
///
/// It finds the same words in another order or with small changes. It does not know that "forgot" and "reset my" are
/// about the same thing, and it scores "do not cancel" close to "cancel" and order 1001 close to order 1002. Do not
/// serve answers with it. Thread-safe; texts are never truncated.
class STELE_API HashingEmbedder final : public Embedder {
public:
    /// Throws Error(invalid_argument) unless 16 <= dimension <= 65536.
    explicit HashingEmbedder(std::size_t dimension = 384);

    std::size_t dimension() const override { return dimension_; }
    /// "stele-hashing-v1-<dimension>"; the number after the v rises when any vector changes.
    const std::string& fingerprint() const override { return fingerprint_; }
    /// 0.92: few wrong answers on the questions of the demo (docs/demo.md).
    std::optional<float> threshold() const override { return 0.92F; }
    /// Throws only Error(deadline_exceeded).
    std::vector<Embedding> embed(std::span<const std::string_view> texts, Deadline deadline) override;

private:
    std::size_t dimension_;
    std::string fingerprint_;
};

}  // namespace v0
}  // namespace stele
