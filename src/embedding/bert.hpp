// The forward pass of a BERT encoder: word pieces in, one unit vector a text out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.hpp"
#include "embedding/bert_config.hpp"
#include "embedding/tensor.hpp"
#include "vectors/packed_matrix.hpp"

namespace stele {

/// Where the numbers of one forward pass lie; kept from call to call, as fresh memory costs more than some of the sums.
struct BertWorkspace {
    AlignedVector<float> hidden, attended, queries_keys_values, inner, scores, keys, values, context;
    struct Codes {
        CodedRows rows;
        AlignedVector<float> rest, more;
    } codes;
};

/// A model's weights and sums. Word vectors stay where the file has them, so its bytes must outlive the model; the rest
/// is copied, packed for the kernels. Immutable, hence thread-safe: each thread brings a workspace of its own.
class Bert {
public:
    enum class Precision : std::uint8_t { float32, int8 };

    /// Fails if a weight is missing or of another shape than the configuration says.
    static Result<Bert> load(const BertConfig& config, const Tensors& tensors, Precision precision);

    Bert(Bert&&) noexcept;
    Bert& operator=(Bert&&) noexcept;
    ~Bert();

    /// `texts`: ids of word pieces, each text at least one and at most config.max_positions. Writes one vector a text
    /// of config.hidden floats, pooled and of unit length. A vector depends on its own text alone. False when a sum is
    /// not finite, which means damaged weights. Other texts are an Error(internal).
    bool embed(std::span<const std::span<const std::uint32_t>> texts, BertConfig::Pooling pooling, BertWorkspace& space,
               float* vectors) const;

    const BertConfig& config() const noexcept { return config_; }

private:
    struct Weights;
    using Texts = std::span<const std::span<const std::uint32_t>>;
    Bert(const BertConfig& config, std::unique_ptr<const Weights> weights);
    void check(Texts texts) const;
    void forward(Texts texts, bool fine, BertWorkspace& space) const;
    void look_up(Texts texts, float* hidden) const;
    void attend(Texts texts, BertWorkspace& space) const;

    BertConfig config_;
    std::unique_ptr<const Weights> weights_;
};

}  // namespace stele
