#include "embedding/tensor_values.hpp"

#include <bit>
#include <cstdint>
#include <cstring>
#include <vector>

namespace stele {
namespace {

template <class T>
T element(const Tensor& tensor, std::size_t at) {
    T value;
    std::memcpy(&value, tensor.bytes.data() + at * sizeof(T), sizeof value);
    return value;
}

float half_to_float(std::uint16_t half) {
    const std::uint32_t sign = std::uint32_t{half & 0x8000U} << 16;
    std::uint32_t exponent = half >> 10 & 0x1FU;
    std::uint32_t fraction = half & 0x3FFU;
    if (exponent == 0x1F) return std::bit_cast<float>(sign | 0x7F80'0000U | fraction << 13);
    if (exponent == 0) {
        // fraction * 2^-24, exactly
        const float value = static_cast<float>(fraction) * 0x1p-24F;
        return sign != 0 ? -value : value;
    }
    return std::bit_cast<float>(sign | (exponent + 112) << 23 | fraction << 13);
}

float scale_of(const Tensor& tensor, std::size_t at) {
    if (tensor.scales.empty()) return 1;
    if (tensor.scales.size() == 1) return tensor.scales.front();
    const std::size_t last = tensor.shape.back();
    return tensor.scales[tensor.input_major ? at % last : at / last];
}

}  // namespace

void read_values(const Tensor& tensor, std::size_t first, std::size_t count, float* values) {
    if (tensor.type == Tensor::Type::f32) {
        std::memcpy(values, tensor.bytes.data() + first * sizeof(float), count * sizeof(float));
        return;
    }
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t at = first + i;
        switch (tensor.type) {
            case Tensor::Type::f16: values[i] = half_to_float(element<std::uint16_t>(tensor, at)); break;
            case Tensor::Type::bf16:
                values[i] = std::bit_cast<float>(std::uint32_t{element<std::uint16_t>(tensor, at)} << 16);
                break;
            case Tensor::Type::i8:
            case Tensor::Type::u8: {
                const std::int32_t code = tensor.type == Tensor::Type::i8
                                              ? std::int32_t{element<std::int8_t>(tensor, at)}
                                              : std::int32_t{element<std::uint8_t>(tensor, at)};
                values[i] = static_cast<float>(code - tensor.zero_point) * scale_of(tensor, at);
                break;
            }
            case Tensor::Type::f32: break;
        }
    }
}

void read_outputs(const Tensor& matrix, std::size_t first, std::size_t count, float* weights) {
    const std::size_t inputs = matrix.shape.at(matrix.input_major ? 0 : 1);
    const std::size_t outputs = matrix.shape.at(matrix.input_major ? 1 : 0);
    if (!matrix.input_major) return read_values(matrix, first * inputs, count * inputs, weights);
    std::vector<float> of_input(count);
    for (std::size_t k = 0; k < inputs; ++k) {
        read_values(matrix, k * outputs + first, count, of_input.data());
        for (std::size_t o = 0; o < count; ++o) weights[o * inputs + k] = of_input[o];
    }
}

}  // namespace stele
