#include "embedding/tensor.hpp"

#include <algorithm>
#include <limits>

namespace stele {

std::size_t width_of(Tensor::Type type) noexcept {
    switch (type) {
        case Tensor::Type::f32: return 4;
        case Tensor::Type::f16:
        case Tensor::Type::bf16: return 2;
        case Tensor::Type::i8:
        case Tensor::Type::u8: return 1;
    }
    return 1;
}

bool fits_its_bytes(const Tensor& tensor) noexcept {
    std::size_t size = width_of(tensor.type);
    for (const std::size_t extent : tensor.shape) {
        if (extent != 0 && size > std::numeric_limits<std::size_t>::max() / extent) return false;
        size *= extent;
    }
    return size == tensor.bytes.size();
}

std::string_view without_wrappers(std::string_view name) noexcept {
    std::size_t start = std::string_view::npos;
    for (const std::string_view part : {"embeddings.", "encoder.", "pooler."}) {
        std::size_t at = name.find(part);
        while (at != std::string_view::npos && at != 0 && name[at - 1] != '.') at = name.find(part, at + 1);
        start = std::min(start, at);
    }
    return start == std::string_view::npos ? name : name.substr(start);
}

}  // namespace stele
