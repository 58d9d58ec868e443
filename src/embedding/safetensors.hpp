// The safetensors format: the length of a JSON header, the header, the elements of the tensors.
#pragma once

#include <cstddef>
#include <span>

#include "base/result.hpp"
#include "embedding/tensor.hpp"

namespace stele {

/// Views into `file`; nothing of it is copied. Tensors of types that no weight has (such as the positions, I64) are
/// left out. invalid_argument says what is wrong, without the file's name; whatever bytes come in, little is allocated.
Result<Tensors> read_safetensors(std::span<const std::byte> file);

}  // namespace stele
