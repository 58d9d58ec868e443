// The binary form of pgvector's type vector: 16-bit dimension, 16-bit zero, float32s, all big-endian.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "stele/statement.hpp"

namespace stele {

Bytes encode_pgvector(std::span<const float> vector);
/// An array of them; `type` is the type's OID, which the extension has from the database it was installed in.
Bytes encode_pgvectors(std::span<const std::span<const float>> vectors, std::uint32_t type);
/// Throws Error(type_mismatch) for bytes that are none.
std::vector<float> decode_pgvector(std::span<const std::byte> bytes);

}  // namespace stele
