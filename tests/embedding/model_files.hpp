// Writes small model files in the formats that Stele reads.
#pragma once

#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace stele::testing {

/// The bytes of a trivial value, or of several, as they lie in memory.
template <class Value>
std::string bytes_of(const std::vector<Value>& values) {
    std::string bytes(values.size() * sizeof(Value), '\0');
    if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
    return bytes;
}

inline std::span<const std::byte> as_file(const std::string& bytes) {
    return std::as_bytes(std::span(bytes));
}

struct SafeTensor {
    std::string dtype;  ///< "F32", "F16", "BF16", "I8", "U8", "I64" ...
    std::vector<std::size_t> shape;
    std::string bytes;
};

inline SafeTensor f32_tensor(std::vector<std::size_t> shape, const std::vector<float>& elements) {
    return {"F32", std::move(shape), bytes_of(elements)};
}

/// `header` as the file's JSON, whatever it says.
inline std::string safetensors_file(std::string_view header, std::string_view data) {
    return bytes_of<std::uint64_t>({header.size()}).append(header).append(data);
}

inline std::string safetensors_file(const std::vector<std::pair<std::string, SafeTensor>>& tensors) {
    nlohmann::json header = {{"__metadata__", {{"format", "pt"}}}};
    std::string data;
    for (const auto& [name, tensor] : tensors) {
        const std::size_t begin = data.size();
        data += tensor.bytes;
        header[name] = {{"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {begin, data.size()}}};
    }
    return safetensors_file(header.dump(), data);
}

class ProtobufWriter {
public:
    ProtobufWriter& number(std::uint32_t field, std::uint64_t value) {
        put(std::uint64_t{field} << 3U);
        put(value);
        return *this;
    }
    ProtobufWriter& bytes(std::uint32_t field, std::string_view value) {
        put(std::uint64_t{field} << 3U | 2U);
        put(value.size());
        message_ += value;
        return *this;
    }
    /// Without a tag, as packed numbers follow one another.
    ProtobufWriter& packed(std::uint64_t value) {
        put(value);
        return *this;
    }
    const std::string& message() const { return message_; }

private:
    void put(std::uint64_t value) {
        for (; value >= 0x80; value >>= 7U) message_ += static_cast<char>(value | 0x80U);
        message_ += static_cast<char>(value);
    }

    std::string message_;
};

/// TensorProto.DataType
enum class OnnxType : std::uint8_t { f32 = 1, u8 = 2, i8 = 3, i64 = 7, f16 = 10, f64 = 11 };

inline std::string onnx_tensor(std::string_view name, OnnxType type, const std::vector<std::size_t>& shape,
                               std::string_view raw) {
    ProtobufWriter tensor;
    for (const std::size_t extent : shape) tensor.number(1, extent);
    return tensor.number(2, static_cast<std::uint64_t>(type)).bytes(8, name).bytes(9, raw).message();
}

inline std::string onnx_node(std::string_view name, std::string_view type, const std::vector<std::string>& inputs) {
    ProtobufWriter node;
    for (const std::string& input : inputs) node.bytes(1, input);
    return node.bytes(2, std::string(name) + "_output_0").bytes(3, name).bytes(4, type).message();
}

inline std::string onnx_file(const std::vector<std::string>& tensors, const std::vector<std::string>& nodes) {
    ProtobufWriter graph;
    for (const std::string& node : nodes) graph.bytes(1, node);
    graph.bytes(2, "torch_jit");
    for (const std::string& tensor : tensors) graph.bytes(5, tensor);
    return ProtobufWriter().number(1, 6).bytes(2, "pytorch").bytes(7, graph.message()).message();
}

}  // namespace stele::testing
