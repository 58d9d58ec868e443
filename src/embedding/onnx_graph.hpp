// What of an ONNX file leads to its weights.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace stele {

/// A constant tensor. All of it are views into the file, and nothing has been checked against anything.
struct OnnxInitializer {
    std::uint64_t data_type = 0;
    std::vector<std::uint64_t> dimensions;
    std::span<const std::byte> raw;       ///< the elements, little-endian
    std::span<const std::byte> integers;  ///< the elements as packed varints, as which small ones are written
    bool external = false;                ///< the elements are in another file
};

/// A product with a matrix, which may be an initializer.
struct OnnxProduct {
    std::string_view node;  ///< "/encoder/layer.0/attention/self/query/MatMul"
    std::string_view matrix;
};

struct OnnxGraph {
    std::map<std::string_view, OnnxInitializer> initializers;
    std::vector<OnnxProduct> products;
    std::string_view fused_operator;  ///< one that is ONNX Runtime's own, if there is any
};

/// invalid_argument if the bytes are no ONNX model.
Result<OnnxGraph> read_onnx_graph(std::span<const std::byte> file);

}  // namespace stele
