// A BERT's weights, packed for the kernels.
#pragma once

#include <vector>

#include "base/result.hpp"
#include "embedding/bert.hpp"

namespace stele {

/// y = x W + b, in one of two precisions.
class Linear {
public:
    Linear() = default;
    Linear(std::size_t inputs, std::size_t outputs, Bert::Precision precision, const FetchOutputs& fetch,
           AlignedVector<float> bias);
    /// `results` gets whole rows of outputs() floats. Fine: in 8 bits, what the values' codes leave out is coded and
    /// multiplied, too.
    void apply(const float* values, std::size_t rows, bool fine, BertWorkspace::Codes& codes, float* results) const;
    std::size_t inputs() const noexcept { return inputs_; }
    std::size_t outputs() const noexcept { return outputs_; }

private:
    std::size_t inputs_ = 0;
    std::size_t outputs_ = 0;
    FloatMatrix floats_;  // one of these two is empty
    ByteMatrix bytes_;
    AlignedVector<float> bias_;
};

struct LayerNorm {
    AlignedVector<float> gain;
    AlignedVector<float> bias;
};

struct Bert::Weights {
    struct Layer {
        Linear queries_keys_values;  // one product instead of three
        Linear attended;
        LayerNorm attended_norm;
        Linear inner;
        Linear output;
        LayerNorm output_norm;
    };
    Tensor words;                    // a row a word piece, in the file
    AlignedVector<float> positions;  // a row a position, with the row of token type 0 added
    LayerNorm embedding_norm;
    std::vector<Layer> layers;

    static Result<Weights> read(const BertConfig& config, const Tensors& tensors, Precision precision);
};

}  // namespace stele
