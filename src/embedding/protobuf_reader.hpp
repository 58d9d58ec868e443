// The fields of a protobuf message, in the order in which they were written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace stele {

/// A view into bytes that must outlive it. Any bytes can be given: it stops at the first that are no protobuf.
class ProtobufReader {
public:
    /// What a field holds is known by who reads it: a number, or bytes (a text, a message, packed numbers, a float).
    struct Field {
        std::uint32_t number = 0;
        std::optional<std::uint64_t> varint;
        std::span<const std::byte> bytes;

        std::string_view text() const { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
    };

    explicit ProtobufReader(std::span<const std::byte> message) : rest_(message) {}

    /// Nothing at the end, and where the bytes are no protobuf; damaged() tells them apart.
    std::optional<Field> next() {
        if (rest_.empty() || damaged_) return std::nullopt;
        auto field = read_field();
        damaged_ = !field;
        return field;
    }
    /// The next of packed numbers, which follow one another without a tag.
    std::optional<std::uint64_t> next_packed() {
        if (rest_.empty() || damaged_) return std::nullopt;
        const auto number = read_varint();
        damaged_ = !number;
        return number;
    }
    bool damaged() const { return damaged_; }

private:
    std::optional<std::uint64_t> read_varint() {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 70 && !rest_.empty(); shift += 7) {
            const auto byte = std::to_integer<std::uint64_t>(rest_.front());
            rest_ = rest_.subspan(1);
            value |= shift < 64 ? (byte & 0x7fU) << shift : 0;
            if (byte < 0x80) return value;
        }
        return std::nullopt;
    }

    std::optional<std::span<const std::byte>> take(std::optional<std::uint64_t> size) {
        if (!size || *size > rest_.size()) return std::nullopt;
        const auto taken = rest_.first(*size);
        rest_ = rest_.subspan(*size);
        return taken;
    }

    std::optional<Field> read_field() {
        const auto tag = read_varint();
        if (!tag || *tag >> 3U == 0 || *tag > 0xffffffffU) return std::nullopt;
        Field field;
        field.number = static_cast<std::uint32_t>(*tag >> 3U);
        std::optional<std::span<const std::byte>> bytes;
        switch (*tag & 7U) {
            case 0: field.varint = read_varint(); return field.varint ? std::optional(field) : std::nullopt;
            case 1: bytes = take(8); break;
            case 2: bytes = take(read_varint()); break;
            case 5: bytes = take(4); break;
            default: return std::nullopt;  // the groups of old
        }
        if (!bytes) return std::nullopt;
        field.bytes = *bytes;
        return field;
    }

    std::span<const std::byte> rest_;
    bool damaged_ = false;
};

}  // namespace stele
