#include "embedding/bert_weights.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "embedding/tensor_values.hpp"

namespace stele {
namespace {

using Shape = std::vector<std::size_t>;

/// Takes tensors by name. The first one that is missing or misshapen is the error of all that follow.
class Reader {
public:
    Reader(const Tensors& tensors, Bert::Precision precision) : tensors_(tensors), precision_(precision) {}

    const Tensor* find(const std::string& name, const Shape& shape) {
        static const Tensor kNone;
        if (error_) return &kNone;
        const auto found = tensors_.find(name);
        if (found == tensors_.end()) return refuse(fmt::format("has no weight \"{}\"", name));
        const Tensor& tensor = found->second;
        if (tensor.type >= Tensor::Type::i8 && tensor.scales.empty()) {
            return refuse(fmt::format("has the weight \"{}\" in 8 bits without a scale", name));
        }
        Shape stored = tensor.shape;
        if (tensor.input_major && stored.size() == 2) std::swap(stored[0], stored[1]);
        if (stored != shape) {
            return refuse(fmt::format("has the weight \"{}\" in shape [{}], not [{}] as its configuration says", name,
                                      fmt::join(stored, ", "), fmt::join(shape, ", ")));
        }
        return &tensor;
    }

    AlignedVector<float> numbers(const std::string& name, std::size_t count) {
        AlignedVector<float> values(count, 0.0F);
        const Tensor* tensor = find(name, {count});
        if (error_) return values;
        read_values(*tensor, 0, count, values.data());
        check_finite(name, values);
        return values;
    }

    /// In 8 bits a number that is not finite would vanish, and damaged weights with it.
    void check_finite(const std::string& name, std::span<const float> values) {
        constexpr std::uint32_t kMagnitude = 0x7fffffff, kInfinity = 0x7f800000;
        std::uint32_t largest = 0;
        for (const float value : values) largest = std::max(largest, std::bit_cast<std::uint32_t>(value) & kMagnitude);
        if (largest >= kInfinity && !error_) refuse(fmt::format("has numbers that are not finite in \"{}\"", name));
    }

    LayerNorm layer_norm(const std::string& name, std::size_t width) {
        return {numbers(name + ".weight", width), numbers(name + ".bias", width)};
    }

    /// Linear layers with the same inputs, side by side as one.
    Linear linear(std::span<const std::string> names, std::size_t inputs, std::size_t outputs_each) {
        std::vector<const Tensor*> matrices;
        AlignedVector<float> bias;
        for (const std::string& name : names) {
            matrices.push_back(find(name + ".weight", {outputs_each, inputs}));
            const AlignedVector<float> part = numbers(name + ".bias", outputs_each);
            bias.insert(bias.end(), part.begin(), part.end());
        }
        if (error_) return {};
        const auto fetch = [&](std::size_t first, std::size_t count, float* weights) {
            for (std::size_t i = 0; i < count; ++i) {
                const std::size_t run = std::min(count - i, outputs_each - (first + i) % outputs_each);
                const std::size_t matrix = (first + i) / outputs_each;
                read_outputs(*matrices[matrix], (first + i) % outputs_each, run, weights + i * inputs);
                check_finite(names[matrix] + ".weight", {weights + i * inputs, run * inputs});
                i += run - 1;
            }
        };
        return {inputs, names.size() * outputs_each, precision_, fetch, std::move(bias)};
    }
    Linear linear(const std::string& name, std::size_t inputs, std::size_t outputs) {
        return linear(std::array{name}, inputs, outputs);
    }

    const std::optional<ErrorInfo>& error() const { return error_; }

private:
    const Tensor* refuse(const std::string& reason) {
        error_ = make_error(ErrorCode::embedder_failed, "the model file " + reason);
        return find("", {});
    }

    const Tensors& tensors_;
    Bert::Precision precision_;
    std::optional<ErrorInfo> error_;
};

}  // namespace

Linear::Linear(std::size_t inputs, std::size_t outputs, Bert::Precision precision, const FetchOutputs& fetch,
               AlignedVector<float> bias)
    : inputs_(inputs), outputs_(outputs), bias_(std::move(bias)) {
    if (precision == Bert::Precision::int8) {
        bytes_ = ByteMatrix(inputs, outputs, fetch);
    } else {
        floats_ = FloatMatrix(inputs, outputs, fetch);
    }
}

void Linear::apply(const float* values, std::size_t rows, bool fine, BertWorkspace::Codes& codes,
                   float* results) const {
    if (floats_.outputs() != 0) {
        kernels::multiply(values, inputs_, rows, floats_.data(), inputs_, outputs_, bias_.data(), results, outputs_);
        return;
    }
    if (fine) codes.rest.resize(rows * inputs_);
    kernels::encode_rows(values, inputs_, rows, inputs_, codes.rows, fine ? codes.rest.data() : nullptr);
    kernels::multiply(codes.rows, bytes_, bias_.data(), results, outputs_);
    if (!fine) return;
    codes.more.resize(rows * outputs_);
    kernels::encode_rows(codes.rest.data(), inputs_, rows, inputs_, codes.rows);
    kernels::multiply(codes.rows, bytes_, nullptr, codes.more.data(), outputs_);
    for (std::size_t i = 0; i < codes.more.size(); ++i) results[i] += codes.more[i];
}

Result<Bert::Weights> Bert::Weights::read(const BertConfig& config, const Tensors& tensors, Precision precision) {
    const std::size_t width = config.hidden;
    Reader reader(tensors, precision);
    Weights weights;
    weights.words = *reader.find("embeddings.word_embeddings.weight", {config.vocabulary, width});
    const Tensor* positions = reader.find("embeddings.position_embeddings.weight", {config.max_positions, width});
    const Tensor* types = reader.find("embeddings.token_type_embeddings.weight", {config.type_vocabulary, width});
    weights.embedding_norm = reader.layer_norm("embeddings.LayerNorm", width);
    for (std::size_t i = 0; i < config.layers && !reader.error(); ++i) {
        const std::string name = fmt::format("encoder.layer.{}.", i);
        const std::string self = name + "attention.self.";
        Layer& layer = weights.layers.emplace_back();
        layer.queries_keys_values =
            reader.linear(std::array{self + "query", self + "key", self + "value"}, width, width);
        layer.attended = reader.linear(name + "attention.output.dense", width, width);
        layer.attended_norm = reader.layer_norm(name + "attention.output.LayerNorm", width);
        layer.inner = reader.linear(name + "intermediate.dense", width, config.intermediate);
        layer.output = reader.linear(name + "output.dense", config.intermediate, width);
        layer.output_norm = reader.layer_norm(name + "output.LayerNorm", width);
    }
    if (reader.error()) return fail(*reader.error());

    weights.positions.resize(config.max_positions * width);
    read_values(*positions, 0, weights.positions.size(), weights.positions.data());
    reader.check_finite("embeddings.position_embeddings.weight", weights.positions);
    std::vector<float> type(width);
    read_values(*types, 0, width, type.data());
    for (std::size_t i = 0; i < weights.positions.size(); ++i) weights.positions[i] += type[i % width];
    if (reader.error()) return fail(*reader.error());
    return weights;
}

}  // namespace stele
