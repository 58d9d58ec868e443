#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "postgres/big_endian.hpp"
#include "postgres/copy_format.hpp"
#include "postgres/oids.hpp"

namespace stele {
namespace {

constexpr std::uint32_t kXml = 142;
// the first OID that is not PostgreSQL's own: types of extensions, and enums
constexpr std::uint32_t kFirstNormal = 16384;

struct Known {
    std::uint32_t type;
    std::string_view name;
};
// what Parameters makes
constexpr Known kKnown[] = {
    {oid::kBool, "boolean"},
    {oid::kInt2, "smallint"},
    {oid::kInt4, "integer"},
    {oid::kInt8, "bigint"},
    {oid::kFloat4, "real"},
    {oid::kFloat8, "double precision"},
    {oid::kText, "text"},
    {oid::kBytea, "bytea"},
    {oid::kUuid, "uuid"},
    {oid::kTimestamptz, "timestamp with time zone"},
    {oid::kJsonb, "jsonb"},
    {oid::kInt8Array, "bigint[]"},
    {oid::kFloat8Array, "double precision[]"},
    {oid::kFloat4Array, "real[]"},
    {oid::kTextArray, "text[]"},
    {oid::kUuidArray, "uuid[]"},
    {oid::kByteaArray, "bytea[]"},
};

std::string_view name_of(std::uint32_t type) {
    const auto* found = std::find_if(std::begin(kKnown), std::end(kKnown), [type](Known k) { return k.type == type; });
    return found == std::end(kKnown) ? std::string_view() : found->name;
}

bool is_sent_as_text(std::uint32_t type) {
    switch (type) {
        case oid::kText:
        case oid::kVarchar:
        case oid::kBpchar:
        case oid::kName:
        case oid::kJson:
        case kXml: return true;
        default: return type >= kFirstNormal;
    }
}

bool may_hold(std::uint32_t column, std::uint32_t value) {
    if (column == value) return true;
    if (value == oid::kText) return is_sent_as_text(column);
    // the caller's own binary form of a type that has none in C++
    return value == oid::kBytea && name_of(column).empty() && (column >= kFirstNormal || !is_sent_as_text(column));
}

template <std::size_t N, class T>
std::string_view big_endian(T value, char (&out)[N]) {
    static_assert(sizeof(T) == N);
    const T swapped = swap_to_big_endian(value);
    std::memcpy(out, &swapped, N);
    return {out, N};
}

}  // namespace

Result<void> check_copy_row(std::span<const Parameters::Slot> row, std::span<const CopyColumn> columns,
                            std::size_t count) {
    if (row.size() != count) {
        return fail(make_error(ErrorCode::invalid_argument,
                               fmt::format("the row has {} values, and the copy takes {}", row.size(), count)));
    }
    for (std::size_t i = 0; i < columns.size(); ++i) {
        if (row[i].length < 0 || may_hold(columns[i].type, row[i].oid)) continue;
        return fail(make_error(
            ErrorCode::type_mismatch,
            fmt::format(
                "value {} of the row is of type {}, and column \"{}\" is of type {}; give a value of that type{}",
                i + 1, name_of(row[i].oid), columns[i].name, columns[i].type_name,
                name_of(columns[i].type).empty() ? ", or its binary form as Bytes" : "")));
    }
    return {};
}

std::string_view copy_row_head(std::size_t fields, char (&out)[2]) {
    return big_endian(static_cast<std::int16_t>(fields), out);
}

std::string_view copy_field_head(std::int32_t length, char (&out)[4]) {
    return big_endian(length, out);
}

}  // namespace stele
