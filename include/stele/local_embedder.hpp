// An embedder that runs a small BERT model in this process: similar meaning, no server, no account, no GPU.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "stele/embedder.hpp"

namespace stele {
inline namespace v0 {

struct LocalEmbedderOptions {
    /// int8: weights in 8 bits, activations in 8 bits for each token; about 3 times as fast as float32, a third of its
    /// memory, cosine to it about 0.999. Their vectors must not be mixed: the fingerprints differ.
    enum class Precision : std::uint8_t { int8, float32 };
    enum class Pooling : std::uint8_t { mean, cls };
    /// What happens to a text that is longer than the model reads. cut: its end does not count, and
    /// Embedding::truncated says so. mean_of_windows: the mean of the vectors of its parts; nothing is truncated, but a
    /// long text's vector says less about each of its parts.
    enum class LongText : std::uint8_t { cut, mean_of_windows };

    /// A model that `stele model install` knows ("minilm", "bge-small"), or the path of a folder, which holds a slash:
    /// config.json, model.safetensors or model.onnx, vocab.txt or tokenizer.json, and 1_Pooling/config.json and
    /// sentence_bert_config.json where they were published.
    std::string model = "minilm";
    Precision precision = Precision::int8;
    std::optional<Pooling> pooling{};         ///< empty: the model's own
    std::optional<std::string> prefix{};      ///< put before every text, for example "query: "; empty: the model's own
    std::optional<std::size_t> max_length{};  ///< in word pieces, at least 3; empty: the model's own (minilm 256)
    LongText long_text = LongText::cut;
    /// Threads that share a batch, text by text; one text always has one thread. 0: one for each CPU.
    std::size_t threads = 1;
};

/// Any BERT encoder with a WordPiece vocabulary. The vector of a text depends on nothing but the text: not on its
/// neighbours in a batch, not on the number of threads. Thread-safe; concurrent calls run side by side, each in its
/// own thread, on one copy of the weights.
class STELE_API LocalEmbedder final : public Embedder {
public:
    /// Loads the model (about 50 ms for minilm). Throws Error(embedder_failed) when it is absent (the message names
    /// the folders looked in and the command that installs it), damaged, or no BERT that can be run here (with the
    /// reason), and Error(invalid_argument) for options that contradict it.
    explicit LocalEmbedder(LocalEmbedderOptions options = {});
    ~LocalEmbedder() override;

    std::size_t dimension() const override;
    /// "stele-bert-v1:SHA256:REST:POOLING:LENGTH:PRECISION:LONGTEXT", then ":PREFIX" where there is one. SHA256 is that
    /// of the weights, REST 8 digits of that of the configuration and the vocabulary, LONGTEXT cut or windows. The
    /// number after the v rises when any vector changes.
    const std::string& fingerprint() const override;
    /// For minilm and bge-small with their own pooling, prefix and length; nothing for others. It was measured on
    /// questions that fit, whose vectors are the same with either LongText.
    std::optional<float> threshold() const override;
    /// Throws Error(invalid_argument) for text that is not UTF-8.
    std::optional<std::size_t> pieces(std::string_view text) const override;
    std::optional<std::size_t> max_pieces() const override;
    /// Throws Error(invalid_argument) for text that is not UTF-8.
    std::vector<Embedding> embed(std::span<const std::string_view> texts, Deadline deadline) override;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace v0
}  // namespace stele
