// read_onnx: any bytes are refused, or give tensors that lie in them, have the size of their shape, and are scaled.
#include <cmath>

#include "embedding/onnx_weights.hpp"
#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto file = std::as_bytes(std::span(data, size));
    const auto tensors = stele::read_onnx(file);
    if (!tensors) {
        require(tensors.error().code == stele::ErrorCode::invalid_argument && tensors.error().message.size() < 400);
        return 0;
    }
    require(tensors->contains("encoder.layer.0.attention.self.query.weight"));
    for (const auto& [name, tensor] : *tensors) {
        require(name.starts_with("embeddings.") || name.starts_with("encoder."));
        require(tensor.bytes.empty() || (tensor.bytes.data() >= file.data() &&
                                         tensor.bytes.data() + tensor.bytes.size() <= file.data() + file.size()));
        require(tensor.elements() * stele::width_of(tensor.type) == tensor.bytes.size());
        require(!tensor.input_major || tensor.shape.size() == 2);
        if (tensor.type != stele::Tensor::Type::i8 && tensor.type != stele::Tensor::Type::u8) {
            require(tensor.scales.empty() && tensor.zero_point == 0);
            continue;
        }
        require(tensor.scales.size() == 1 || (tensor.input_major && tensor.scales.size() == tensor.shape.back()));
        for (const float scale : tensor.scales) require(std::isfinite(scale));
        require(tensor.zero_point >= -128 && tensor.zero_point <= 255);
    }
    return 0;
}
