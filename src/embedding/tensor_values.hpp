// Numbers out of a tensor, whatever they are stored as.
#pragma once

#include <cstddef>

#include "embedding/tensor.hpp"

namespace stele {

/// Elements first .. first + count - 1, in the order in which they are stored.
void read_values(const Tensor& tensor, std::size_t first, std::size_t count, float* values);

/// The weights of outputs first .. first + count - 1 of a matrix, one output after the other, whichever way it is
/// stored.
void read_outputs(const Tensor& matrix, std::size_t first, std::size_t count, float* weights);

}  // namespace stele
