#include "index/pgvector_value.hpp"

#include <fmt/format.h>

#include <cstring>

#include "base/result.hpp"
#include "postgres/big_endian.hpp"

namespace stele {
namespace {

constexpr std::size_t kHead = 2 * sizeof(std::uint16_t);

}  // namespace

Bytes encode_pgvector(std::span<const float> vector) {
    std::string text;
    text.reserve(kHead + vector.size() * sizeof(float));
    append_big_endian(text, static_cast<std::uint16_t>(vector.size()));
    append_big_endian(text, std::uint16_t{0});
    for (const float value : vector) append_big_endian(text, value);
    const auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
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
