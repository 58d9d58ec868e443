#include "embedding/onnx_graph.hpp"

#include <fmt/core.h>

#include <utility>

#include "embedding/endpoint.hpp"
#include "embedding/protobuf_reader.hpp"

namespace stele {
namespace {

// A BERT of 24 layers in 8 bits has about 1,200, of 2 dimensions at most.
constexpr std::size_t kMaxInitializers = 100'000;
constexpr std::size_t kMaxDimensions = 8;

// Field numbers of onnx.proto3.
namespace model {
constexpr std::uint32_t kGraph = 7;
}
namespace graph {
constexpr std::uint32_t kNode = 1;
constexpr std::uint32_t kInitializer = 5;
}  // namespace graph
namespace node {
constexpr std::uint32_t kInput = 1;
constexpr std::uint32_t kName = 3;
constexpr std::uint32_t kOperator = 4;
constexpr std::uint32_t kDomain = 7;
}  // namespace node
namespace tensor {
constexpr std::uint32_t kDimensions = 1;
constexpr std::uint32_t kDataType = 2;
constexpr std::uint32_t kFloats = 4;
constexpr std::uint32_t kIntegers = 5;
constexpr std::uint32_t kName = 8;
constexpr std::uint32_t kRaw = 9;
constexpr std::uint32_t kLocation = 14;
}  // namespace tensor

using Field = ProtobufReader::Field;

tl::unexpected<ErrorInfo> refuse(std::string_view why) {
    return fail(make_error(ErrorCode::invalid_argument,
                           fmt::format("this is no ONNX model, or a damaged one (fetch it again): {}", why)));
}

bool add_dimensions(const Field& field, std::vector<std::uint64_t>& dimensions) {
    if (field.varint) dimensions.push_back(*field.varint);
    ProtobufReader packed(field.bytes);
    while (dimensions.size() <= kMaxDimensions) {
        const auto number = packed.next_packed();
        if (!number) break;
        dimensions.push_back(*number);
    }
    return !packed.damaged() && dimensions.size() <= kMaxDimensions;
}

Result<void> read_initializer(std::span<const std::byte> message, OnnxGraph& result) {
    OnnxInitializer read;
    std::string_view name;
    bool understood = true;
    ProtobufReader reader(message);
    while (const auto field = reader.next()) {
        switch (field->number) {
            case tensor::kDimensions: understood &= add_dimensions(*field, read.dimensions); break;
            case tensor::kDataType: read.data_type = field->varint.value_or(0); break;
            case tensor::kName: name = field->text(); break;
            case tensor::kRaw:
            case tensor::kFloats:  // one block as well; in pieces it could not be viewed, and is found too short later
                read.raw = field->bytes;
                break;
            case tensor::kIntegers: read.integers = field->bytes; break;
            case tensor::kLocation: read.external = field->varint == 1U; break;
            default: break;
        }
    }
    const std::string shown = presentable(name, {}, 80);
    if (reader.damaged() || !understood) return refuse(fmt::format("the tensor \"{}\" cannot be read", shown));
    if (result.initializers.size() >= kMaxInitializers)
        return refuse(fmt::format("it has more than {} tensors", kMaxInitializers));
    if (!result.initializers.emplace(name, std::move(read)).second)
        return refuse(fmt::format("two tensors are \"{}\"", shown));
    return {};
}

Result<void> read_node(std::span<const std::byte> message, OnnxGraph& result) {
    OnnxProduct product;
    std::string_view type;
    std::string_view domain;
    std::size_t inputs = 0;
    ProtobufReader reader(message);
    while (const auto field = reader.next()) {
        switch (field->number) {
            case node::kInput:
                if (++inputs == 2) product.matrix = field->text();
                break;
            case node::kName: product.node = field->text(); break;
            case node::kOperator: type = field->text(); break;
            case node::kDomain: domain = field->text(); break;
            default: break;
        }
    }
    if (reader.damaged())
        return refuse(fmt::format("the operation \"{}\" cannot be read", presentable(product.node, {}, 80)));
    if (domain == "com.microsoft") result.fused_operator = type;
    if (domain.empty() && (type == "MatMul" || type == "MatMulInteger")) result.products.push_back(product);
    return {};
}

Result<void> read_graph(std::span<const std::byte> message, OnnxGraph& result) {
    ProtobufReader reader(message);
    while (const auto field = reader.next()) {
        Result<void> read;
        if (field->number == graph::kNode) read = read_node(field->bytes, result);
        if (field->number == graph::kInitializer) read = read_initializer(field->bytes, result);
        if (!read) return read;
    }
    if (reader.damaged()) return refuse("its graph is cut short");
    return {};
}

}  // namespace

Result<OnnxGraph> read_onnx_graph(std::span<const std::byte> file) {
    OnnxGraph result;
    bool has_graph = false;
    ProtobufReader reader(file);
    while (const auto field = reader.next()) {
        if (field->number != model::kGraph) continue;
        has_graph = true;
        if (auto read = read_graph(field->bytes, result); !read) return fail(std::move(read.error()));
    }
    if (reader.damaged() || !has_graph) return refuse("it holds no whole graph");
    return result;
}

}  // namespace stele
