// The weights of a BERT out of its ONNX export, with the names that PyTorch gave them.
#pragma once

#include <cstddef>
#include <span>

#include "base/result.hpp"
#include "embedding/tensor.hpp"

namespace stele {

/// Reads what torch's exporter writes in float32 or float16, and what optimum makes of that in 8 bits (dynamic
/// quantisation). Views into `file`; only the scales are copied. invalid_argument says what is wrong, without the
/// file's name; whatever bytes come in, little is allocated.
Result<Tensors> read_onnx(std::span<const std::byte> file);

}  // namespace stele
