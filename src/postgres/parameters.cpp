#include <fmt/format.h>

#include <chrono>
#include <limits>

#include "base/result.hpp"
#include "base/text.hpp"
#include "postgres/big_endian.hpp"
#include "postgres/oids.hpp"
#include "stele/statement.hpp"

namespace stele {
inline namespace v0 {
namespace {

using Slots = std::vector<Parameters::Slot>;

// microseconds from the Unix epoch to 2000-01-01, where PostgreSQL counts from
constexpr std::int64_t kPostgresEpoch = 946'684'800'000'000;

void open_slot(Slots& slots, const std::string& bytes, std::uint32_t type) {
    constexpr std::size_t kMost = 65'535;  // the protocol counts them in 16 bits
    if (slots.size() == kMost) {
        raise(ErrorCode::limit_exceeded,
              fmt::format("a statement takes at most {} parameters: pass many values as one array", kMost));
    }
    slots.push_back({type, 0, bytes.size()});
}

void close_slot(Slots& slots, const std::string& bytes) {
    const std::size_t length = bytes.size() - slots.back().offset;
    if (length > 0x3fff'ffff) {
        raise(ErrorCode::limit_exceeded,
              fmt::format("parameter ${} has {} bytes; PostgreSQL takes at most 1 GiB", slots.size(), length));
    }
    slots.back().length = static_cast<std::int32_t>(length);
}

template <class T>
void add_number(Slots& slots, std::string& bytes, std::uint32_t type, T value) {
    open_slot(slots, bytes, type);
    append_big_endian(bytes, value);
    close_slot(slots, bytes);
}

void check_parameter(std::string_view value, std::size_t number) {
    if (find_text_fault(value)) check_text(fmt::format("parameter ${}", number), value);
}

// A one-dimensional array: its header, then the elements, each after its length. A reader goes by their lengths; the
// flag in the header says only whether there may be NULLs.
template <class Values, class Append>
void add_array(Slots& slots, std::string& bytes, std::uint32_t array, std::uint32_t element, const Values& values,
               Append append) {
    open_slot(slots, bytes, array);
    append_big_endian<std::int32_t>(bytes, values.empty() ? 0 : 1);
    append_big_endian<std::int32_t>(bytes, 0);
    append_big_endian(bytes, element);
    if (!values.empty()) {
        append_big_endian(bytes, static_cast<std::int32_t>(values.size()));
        append_big_endian<std::int32_t>(bytes, 1);
        for (const auto& value : values) append(value);
    }
    close_slot(slots, bytes);
}

template <class T>
auto append_number(std::string& bytes) {
    return [&bytes](T value) {
        append_big_endian<std::int32_t>(bytes, sizeof(T));
        append_big_endian(bytes, value);
    };
}

void append_bytes(std::string& bytes, const void* data, std::size_t size) {
    append_big_endian(bytes, static_cast<std::int32_t>(size));
    bytes.append(static_cast<const char*>(data), size);
}

}  // namespace

void Parameters::add(std::nullopt_t) {
    open_slot(slots_, bytes_, 0);
    slots_.back().length = -1;
}

void Parameters::make_last_null() {
    bytes_.resize(slots_.back().offset);
    slots_.back().length = -1;
}

void Parameters::add(bool value) {
    open_slot(slots_, bytes_, oid::kBool);
    bytes_.push_back(value ? '\1' : '\0');
    close_slot(slots_, bytes_);
}

void Parameters::add(std::int16_t value) {
    add_number(slots_, bytes_, oid::kInt2, value);
}
void Parameters::add(std::int32_t value) {
    add_number(slots_, bytes_, oid::kInt4, value);
}
void Parameters::add(std::int64_t value) {
    add_number(slots_, bytes_, oid::kInt8, value);
}
void Parameters::add(float value) {
    add_number(slots_, bytes_, oid::kFloat4, value);
}
void Parameters::add(double value) {
    add_number(slots_, bytes_, oid::kFloat8, value);
}

void Parameters::add(std::string_view value) {
    check_parameter(value, slots_.size() + 1);
    open_slot(slots_, bytes_, oid::kText);
    bytes_.append(value);
    close_slot(slots_, bytes_);
}

void Parameters::add(std::span<const std::byte> value) {
    open_slot(slots_, bytes_, oid::kBytea);
    bytes_.append(reinterpret_cast<const char*>(value.data()), value.size());
    close_slot(slots_, bytes_);
}

void Parameters::add(const Uuid& value) {
    open_slot(slots_, bytes_, oid::kUuid);
    bytes_.append(reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size());
    close_slot(slots_, bytes_);
}

void Parameters::add(Timestamp value) {
    constexpr auto kEarliest = std::numeric_limits<std::int64_t>::min(),
                   kLatest = std::numeric_limits<std::int64_t>::max();
    const std::int64_t count = value.time_since_epoch().count();
    // the ends of the range are PostgreSQL's -infinity and infinity
    const std::int64_t binary =
        count == kLatest ? kLatest : (count < kEarliest + kPostgresEpoch ? kEarliest : count - kPostgresEpoch);
    add_number<std::int64_t>(slots_, bytes_, oid::kTimestamptz, binary);
}

void Parameters::add(const Json& value) {
    open_slot(slots_, bytes_, oid::kJsonb);
    bytes_.push_back('\1');  // version of jsonb's binary form
    bytes_.append(value.text());
    close_slot(slots_, bytes_);
}

void Parameters::add(const std::vector<std::int64_t>& values) {
    add_array(slots_, bytes_, oid::kInt8Array, oid::kInt8, values, append_number<std::int64_t>(bytes_));
}

void Parameters::add(const std::vector<double>& values) {
    add_array(slots_, bytes_, oid::kFloat8Array, oid::kFloat8, values, append_number<double>(bytes_));
}

void Parameters::add(const std::vector<float>& values) {
    add_array(slots_, bytes_, oid::kFloat4Array, oid::kFloat4, values, append_number<float>(bytes_));
}

void Parameters::add(const std::vector<std::string>& values) {
    for (const std::string& value : values) check_parameter(value, slots_.size() + 1);
    add_array(slots_, bytes_, oid::kTextArray, oid::kText, values,
              [this](const std::string& value) { append_bytes(bytes_, value.data(), value.size()); });
}

void Parameters::add(const std::vector<Uuid>& values) {
    add_array(slots_, bytes_, oid::kUuidArray, oid::kUuid, values,
              [this](const Uuid& value) { append_bytes(bytes_, value.bytes.data(), value.bytes.size()); });
}

void Parameters::add(const std::vector<Bytes>& values) {
    add_array(slots_, bytes_, oid::kByteaArray, oid::kBytea, values,
              [this](const Bytes& value) { append_bytes(bytes_, value.data(), value.size()); });
}

void Parameters::add_binary(std::span<const std::byte> value) {
    open_slot(slots_, bytes_, 0);
    bytes_.append(reinterpret_cast<const char*>(value.data()), value.size());
    close_slot(slots_, bytes_);
}

void Parameters::add_column(std::span<const Parameters* const> rows, std::size_t slot, std::uint32_t array) {
    add_array(slots_, bytes_, array, rows.front()->slots_[slot].oid, rows, [this, slot](const Parameters* row) {
        const Slot& value = row->slots_[slot];
        if (value.length < 0) return append_big_endian<std::int32_t>(bytes_, -1);
        append_bytes(bytes_, row->bytes_.data() + value.offset, static_cast<std::size_t>(value.length));
    });
}

}  // namespace v0
}  // namespace stele
