// In which form vectors are kept in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "stele/export.hpp"

namespace stele {
inline namespace v0 {

/// mneme's vector_dtype. In the tables vectors are float32 whatever is chosen here.
enum class VectorFormat : std::uint8_t {
    float32,  ///< scores are exact
    float16,  ///< half the memory, and the time of a search
    int8,     ///< a quarter. Each vector is scaled by its largest element, so that codes lose as little as they can
};
/// "float32", "float16", "int8".
STELE_API std::string_view to_string(VectorFormat format) noexcept;

/// What the elements of so many vectors take, without padding and without what else is known of each.
STELE_API std::size_t vector_bytes(VectorFormat format, std::size_t vectors, std::size_t dimension) noexcept;

}  // namespace v0
}  // namespace stele
