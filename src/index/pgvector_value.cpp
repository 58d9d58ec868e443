#include "index/pgvector_value.hpp"

#include <fmt/format.h>

#include <cstring>

#include "base/result.hpp"
#include "postgres/big_endian.hpp"

namespace stele {
namespace {

constexpr std::size_t kHead = 2 * sizeof(std::uint16_t);
constexpr std::size_t kArrayHead = 5 * sizeof(std::int32_t);

std::size_t encoded_size(std::span<const float> vector) {
    return kHead + vector.size() * sizeof(float);
}

template <class T>
std::byte* put(std::byte* out, T value) {
    const T swapped = swap_to_big_endian(value);
    std::memcpy(out, &swapped, sizeof swapped);
    return out + sizeof swapped;
}

// into memory that is there: a loop that the compiler turns into shuffles
std::byte* put_vector(std::byte* out, std::span<const float> vector) {
    out = put(out, static_cast<std::uint16_t>(vector.size()));
    out = put(out, std::uint16_t{0});
    for (const float value : vector) out = put(out, std::bit_cast<std::uint32_t>(value));
    return out;
}

}  // namespace

Bytes encode_pgvector(std::span<const float> vector) {
    Bytes bytes(encoded_size(vector));
    put_vector(bytes.data(), vector);
    return bytes;
}

Bytes encode_pgvectors(std::span<const std::span<const float>> vectors, std::uint32_t type) {
    std::size_t size = kArrayHead;
    for (const auto vector : vectors) size += sizeof(std::int32_t) + encoded_size(vector);
    Bytes bytes(size);
    std::byte* out = put(bytes.data(), std::int32_t{1});  // dimensions
    out = put(out, std::int32_t{0});                      // no NULLs
    out = put(out, type);
    out = put(out, static_cast<std::int32_t>(vectors.size()));
    out = put(out, std::int32_t{1});  // of the first
    for (const auto vector : vectors) {
        out = put(out, static_cast<std::int32_t>(encoded_size(vector)));
        out = put_vector(out, vector);
    }
    return bytes;
}

std::vector<float> decode_pgvector(std::span<const std::byte> bytes) {
    const char* data = reinterpret_cast<const char*>(bytes.data());
    const std::size_t size = bytes.size() < kHead ? 0 : read_big_endian<std::uint16_t>(data);
    if (bytes.size() != kHead + size * sizeof(float)) {
        raise(ErrorCode::type_mismatch, fmt::format("{} bytes are no vector of pgvector", bytes.size()));
    }
    std::vector<float> vector(size);
    for (std::size_t i = 0; i < size; ++i) vector[i] = read_big_endian<float>(data + kHead + i * sizeof(float));
    return vector;
}

}  // namespace stele
