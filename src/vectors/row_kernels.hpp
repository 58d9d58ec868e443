// Loops over rows of smaller numbers than float32, as those of kernels.hpp. Stateless, hence thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace stele::kernels {

/// IEEE binary16, as bits.
using Half = std::uint16_t;

/// Rounds to the nearest, or, on machines without an instruction for it, towards zero. Counts are multiples of 16,
/// memory is aligned to 64 bytes.
void to_halves(std::span<const float> values, Half* halves) noexcept;

/// Codes from -127 to 127 for any number of values anywhere in memory, equal on every machine. Returns their scale: a
/// value is scale * code, and what `left`, unless it is null, gets. The scale is 0, and so are all codes, where values
/// are so small that it has no inverse; of values that are not finite nothing is said.
float to_codes(std::span<const float> values, std::int8_t* codes, float* left = nullptr) noexcept;

/// scores[i] = dot product of query and row i, which lie one after the other. query.size() is a multiple of 32; rows
/// and query are aligned to 64 bytes.
void dot_rows(const Half* rows, std::span<const float> query, std::span<float> scores) noexcept;

/// Of two such rows.
float dot_halves(std::span<const Half> a, std::span<const Half> b) noexcept;

/// The same of codes from -127 to 127; exact, and equal on every machine. query.size() is a multiple of 64.
void dot_rows(const std::int8_t* rows, std::span<const std::int8_t> query, std::span<float> scores) noexcept;

}  // namespace stele::kernels
