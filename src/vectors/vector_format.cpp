#include "stele/vector_format.hpp"

namespace stele {
inline namespace v0 {

std::string_view to_string(VectorFormat format) noexcept {
    switch (format) {
        case VectorFormat::float32: return "float32";
        case VectorFormat::float16: return "float16";
        case VectorFormat::int8: break;
    }
    return "int8";
}

std::size_t vector_bytes(VectorFormat format, std::size_t vectors, std::size_t dimension) noexcept {
    const std::size_t element = format == VectorFormat::float32 ? 4 : format == VectorFormat::float16 ? 2 : 1;
    return vectors * dimension * element;
}

}  // namespace v0
}  // namespace stele
