// The answer to one statement.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stele/export.hpp"
#include "stele/statement.hpp"

namespace stele {
inline namespace v0 {

class Rows;

namespace detail {
struct ResultData;  // the libpq result and what is known of its columns

/// One value as it came: `data` is null for SQL NULL.
struct Cell {
    const char* data;
    std::size_t length;
    std::uint32_t oid;
    bool binary;
    std::string_view column;
};

// Each throws Error(type_mismatch) naming the column and both types.
STELE_API void decode(const Cell& cell, bool& out);
STELE_API void decode(const Cell& cell, std::int16_t& out);
STELE_API void decode(const Cell& cell, std::int32_t& out);
STELE_API void decode(const Cell& cell, std::int64_t& out);
STELE_API void decode(const Cell& cell, float& out);
STELE_API void decode(const Cell& cell, double& out);
STELE_API void decode(const Cell& cell, std::string& out);
STELE_API void decode(const Cell& cell, std::string_view& out);
STELE_API void decode(const Cell& cell, Bytes& out);
STELE_API void decode(const Cell& cell, std::span<const std::byte>& out);
STELE_API void decode(const Cell& cell, Uuid& out);
STELE_API void decode(const Cell& cell, Timestamp& out);
STELE_API void decode(const Cell& cell, Json& out);
STELE_API void decode(const Cell& cell, std::vector<std::int64_t>& out);
STELE_API void decode(const Cell& cell, std::vector<double>& out);
STELE_API void decode(const Cell& cell, std::vector<float>& out);
STELE_API void decode(const Cell& cell, std::vector<std::string>& out);
}  // namespace detail

/// One row. Keeps the result it belongs to alive; string_view and span values point into it. Thread-safe to read.
/// Conversions: any integer column to any integer type that holds its value; integers and numeric to float and double;
/// uuid and timestamptz also from text; anything textual to string. A column can be named or numbered from 0.
class STELE_API Row {
public:
    /// The value. Throws Error(not_found) when there is no such column or it is NULL, Error(type_mismatch) when it is
    /// something else than T.
    template <class T>
    T get(std::string_view column) const {
        return required<T>(cell(column), column);
    }
    template <class T>
    T get(std::size_t column) const {
        return required<T>(cell(column), {});
    }
    /// The value, or `otherwise` when the column is NULL or missing.
    template <class T>
    T get(std::string_view column, T otherwise) const {
        std::optional<T> value = find<T>(column);
        return value ? std::move(*value) : std::move(otherwise);
    }
    /// The value, or nothing when the column is NULL or missing.
    template <class T>
    std::optional<T> find(std::string_view column) const {
        return optional<T>(cell(column));
    }
    template <class T>
    std::optional<T> find(std::size_t column) const {
        return optional<T>(cell(column));
    }

    std::size_t columns() const noexcept;
    std::string_view column_name(std::size_t column) const;

private:
    friend class Rows;
    Row(std::shared_ptr<const detail::ResultData> data, std::size_t row) : data_(std::move(data)), row_(row) {}

    template <class T>
    static std::optional<T> optional(const detail::Cell& cell) {
        if (cell.data == nullptr) return std::nullopt;
        T value{};
        detail::decode(cell, value);
        return value;
    }
    template <class T>
    static T required(const detail::Cell& cell, std::string_view name) {
        if (cell.data == nullptr) no_value(cell, name);
        T value{};
        detail::decode(cell, value);
        return value;
    }
    [[noreturn]] static void no_value(const detail::Cell& cell, std::string_view name);
    detail::Cell cell(std::string_view column) const;  // data is null when missing
    detail::Cell cell(std::size_t column) const;

    std::shared_ptr<const detail::ResultData> data_;
    std::size_t row_;
};

/// The rows of one statement, or none, and how many it changed. Cheap to copy; thread-safe to read.
class STELE_API Rows {
public:
    Rows() = default;
    explicit Rows(std::shared_ptr<const detail::ResultData> data) : data_(std::move(data)) {}
    /// What Stele itself works on.
    const std::shared_ptr<const detail::ResultData>& data() const noexcept { return data_; }

    std::size_t size() const noexcept;
    bool empty() const noexcept { return size() == 0; }
    /// Precondition: index < size().
    Row operator[](std::size_t index) const { return Row(data_, index); }
    /// Columns are known also when there are no rows.
    std::size_t columns() const noexcept;
    /// Error(not_found) when there is no such column.
    std::string_view column_name(std::size_t column) const;
    /// The OID of its type, 0 when there is no such column.
    std::uint32_t column_type(std::size_t column) const noexcept;
    /// Rows inserted, updated or deleted (rows returned, for a SELECT).
    std::uint64_t affected() const noexcept;
    /// The first word of the server's command tag: "SELECT", "INSERT" ...; empty when there was none.
    std::string_view command() const noexcept;

    class Iterator {
    public:
        using iterator_category = std::input_iterator_tag;
        using value_type = Row;
        using difference_type = std::ptrdiff_t;
        using pointer = void;
        using reference = Row;
        Iterator() = default;
        Iterator(const Rows* rows, std::size_t index) : rows_(rows), index_(index) {}
        Row operator*() const { return (*rows_)[index_]; }
        Iterator& operator++() {
            ++index_;
            return *this;
        }
        Iterator operator++(int) {
            Iterator before = *this;
            ++index_;
            return before;
        }
        friend bool operator==(const Iterator&, const Iterator&) = default;

    private:
        const Rows* rows_ = nullptr;
        std::size_t index_ = 0;
    };
    Iterator begin() const { return {this, 0}; }
    Iterator end() const { return {this, size()}; }

private:
    std::shared_ptr<const detail::ResultData> data_;
};

}  // namespace v0
}  // namespace stele
