#include "embedding/onnx_weights.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "embedding/endpoint.hpp"
#include "embedding/onnx_graph.hpp"
#include "embedding/protobuf_reader.hpp"

namespace stele {
namespace {

static_assert(std::endian::native == std::endian::little);

template <class... Arguments>
tl::unexpected<ErrorInfo> refuse(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    return fail(
        make_error(ErrorCode::invalid_argument,
                   "the ONNX model cannot be used: " + fmt::format(format, std::forward<Arguments>(arguments)...)));
}

// TensorProto.DataType
std::optional<Tensor::Type> type_numbered(std::uint64_t number) {
    switch (number) {
        case 1: return Tensor::Type::f32;
        case 2: return Tensor::Type::u8;
        case 3: return Tensor::Type::i8;
        case 10: return Tensor::Type::f16;
        case 16: return Tensor::Type::bf16;
        default: return std::nullopt;
    }
}

bool is_weight(std::string_view name) {
    return name.starts_with("embeddings.") || name.starts_with("encoder.");
}

// What ONNX Runtime's quantiser makes of a tensor X.
constexpr std::string_view kQuantized = "_quantized";
constexpr std::string_view kScale = "_scale";
constexpr std::string_view kZeroPoint = "_zero_point";

std::string_view without_suffix(std::string_view name) {
    return name.ends_with(kQuantized) ? name.substr(0, name.size() - kQuantized.size()) : name;
}

/// The matrices of the layers are anonymous ("onnx::MatMul_787"), as the exporter transposes them; but the nodes that
/// use them are called after the modules: "/encoder/layer.0/attention/self/query/MatMul".
std::string name_of(const OnnxProduct& product) {
    const std::string_view own = without_wrappers(without_suffix(product.matrix));
    if (is_weight(own)) return std::string(own);
    std::string module(product.node.substr(0, product.node.rfind('/')));
    std::replace(module.begin(), module.end(), '/', '.');
    return std::string(without_wrappers(module)) + ".weight";
}

class Weights {
public:
    explicit Weights(OnnxGraph graph) : graph_(std::move(graph)) {}

    Result<Tensors> read() && {
        for (const OnnxProduct& product : graph_.products) {
            // A product of two activations has none. Each matrix is used once, and its scales copied once.
            const auto found = graph_.initializers.find(product.matrix);
            if (found == graph_.initializers.end()) continue;
            const std::string name = name_of(product);
            if (!is_weight(name)) continue;
            if (auto added = add(name, found->first, found->second, true); !added)
                return fail(std::move(added.error()));
            graph_.initializers.erase(found);
        }
        for (const auto& [own_name, initializer] : graph_.initializers) {
            const std::string_view name = without_wrappers(without_suffix(own_name));
            if (!is_weight(name) || name.ends_with(kScale) || name.ends_with(kZeroPoint)) continue;
            if (auto added = add(name, own_name, initializer, false); !added) return fail(std::move(added.error()));
        }
        if (tensors_.contains("encoder.layer.0.attention.self.query.weight")) return std::move(tensors_);
        if (!graph_.fused_operator.empty())
            return refuse(
                "it was optimised for ONNX Runtime (its operator {}), which merges weights; take the plain export",
                presentable(graph_.fused_operator, {}, 80));
        return refuse(
            "no node is called /encoder/layer.0/attention/self/query/MatMul and has a matrix; take an export "
            "of a BERT by optimum, or model.safetensors");
    }

private:
    Result<void> add(std::string_view name, std::string_view own_name, const OnnxInitializer& initializer,
                     bool input_major) {
        const auto type = type_numbered(initializer.data_type);
        if (!type) return {};
        const std::string shown = presentable(name, {}, 80);
        if (initializer.external) return refuse("\"{}\" is kept in another file; take an export into one file", shown);
        Tensor tensor;
        tensor.type = *type;
        tensor.shape.assign(initializer.dimensions.begin(), initializer.dimensions.end());
        tensor.bytes = initializer.raw;
        tensor.input_major = input_major;
        if (!fits_its_bytes(tensor))
            return refuse("\"{}\" has {} bytes, which its shape does not ask for", shown, tensor.bytes.size());
        if (input_major && tensor.shape.size() != 2)
            return refuse("\"{}\" has {} dimensions and is no matrix", shown, tensor.shape.size());
        if (*type == Tensor::Type::i8 || *type == Tensor::Type::u8) {
            if (auto read = read_scales(without_suffix(own_name), shown, tensor); !read) return read;
        }
        if (!tensors_.emplace(name, std::move(tensor)).second) return refuse("two tensors are \"{}\"", shown);
        return {};
    }

    Result<void> read_scales(std::string_view base, std::string_view shown, Tensor& tensor) const {
        const OnnxInitializer* const scale = find(base, kScale);
        if (scale == nullptr || type_numbered(scale->data_type) != Tensor::Type::f32)
            return refuse("\"{}\" has 8 bits and no scale of the name that optimum gives", shown);
        const std::size_t count = scale->raw.size() / sizeof(float);
        const bool for_each_output = tensor.input_major && count == tensor.shape.back();
        if (scale->raw.size() % sizeof(float) != 0 || (count != 1 && !for_each_output))
            return refuse("\"{}\" has {} scales; one, or one for each output of a matrix, can be used", shown, count);
        tensor.scales.resize(count);
        if (count > 0) std::memcpy(tensor.scales.data(), scale->raw.data(), scale->raw.size());
        for (const float value : tensor.scales)
            if (!std::isfinite(value)) return refuse("a scale of \"{}\" is not finite", shown);
        return read_zero_point(find(base, kZeroPoint), shown, tensor);
    }

    static Result<void> read_zero_point(const OnnxInitializer* zeros, std::string_view shown, Tensor& tensor) {
        if (zeros == nullptr) return {};
        std::optional<std::int32_t> zero_point;
        const auto agree = [&](std::int64_t value) {
            const bool is_signed = tensor.type == Tensor::Type::i8;
            if (value < (is_signed ? -128 : 0) || value > (is_signed ? 127 : 255)) return false;
            if (!zero_point) zero_point = static_cast<std::int32_t>(value);
            return *zero_point == value;
        };
        bool usable = true;
        for (const std::byte byte : zeros->raw) {
            const auto value = std::to_integer<std::uint8_t>(byte);
            usable &= agree(tensor.type == Tensor::Type::i8 ? static_cast<std::int8_t>(value) : value);
        }
        ProtobufReader integers(zeros->integers);
        while (const auto value = integers.next_packed()) usable &= agree(static_cast<std::int64_t>(*value));
        if (!usable || integers.damaged() || !zero_point)
            return refuse("\"{}\" has zero points that differ, or none in range; take an export with symmetric weights",
                          shown);
        tensor.zero_point = *zero_point;
        return {};
    }

    const OnnxInitializer* find(std::string_view base, std::string_view suffix) const {
        const auto found = graph_.initializers.find(std::string(base).append(suffix));
        return found == graph_.initializers.end() ? nullptr : &found->second;
    }

    OnnxGraph graph_;
    Tensors tensors_;
};

}  // namespace

Result<Tensors> read_onnx(std::span<const std::byte> file) {
    auto graph = read_onnx_graph(file);
    if (!graph) return fail(std::move(graph.error()));
    return Weights(std::move(*graph)).read();
}

}  // namespace stele
