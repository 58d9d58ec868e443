// The weights of a model as its file holds them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace stele {

/// A view into the file's bytes, which must outlive it. Elements are little-endian and not necessarily aligned.
struct Tensor {
    enum class Type : std::uint8_t { f32, f16, bf16, i8, u8 };

    Type type = Type::f32;
    std::vector<std::size_t> shape;
    std::span<const std::byte> bytes;

    // Of i8 and u8: value = (element - zero_point) * scale, with one scale for all, or one for each output (the last
    // dimension when input_major). Empty for floats.
    std::vector<float> scales;
    std::int32_t zero_point = 0;
    /// A matrix of shape [inputs, outputs], as ONNX stores it; else [outputs, inputs], as PyTorch does.
    bool input_major = false;

    /// Of a tensor that a reader returned; the product of any other shape may wrap around.
    std::size_t elements() const {
        std::size_t count = 1;
        for (const std::size_t extent : shape) count *= extent;
        return count;
    }
};

/// By the name that PyTorch gives the weight, without a leading "bert.": "encoder.layer.0.attention.self.query.weight".
using Tensors = std::map<std::string, Tensor, std::less<>>;

// For the readers of the file formats.

/// The size of one element in bytes.
std::size_t width_of(Tensor::Type type) noexcept;
/// Whether the bytes are exactly as many as type and shape ask for, whatever numbers stand in the shape.
bool fits_its_bytes(const Tensor& tensor) noexcept;
/// The name without what wraps a BERT inside of another model: "bert.", "model.", "0.auto_model.".
std::string_view without_wrappers(std::string_view name) noexcept;

}  // namespace stele
