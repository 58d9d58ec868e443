#include "stele/rows.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstring>

#include "base/result.hpp"
#include "postgres/result_data.hpp"

namespace stele {
inline namespace v0 {

namespace {

std::size_t count_columns(const PGresult* result) noexcept {
    return static_cast<std::size_t>(PQnfields(result));
}

std::string_view name_of_column(const PGresult* result, std::size_t column) {
    const char* name = PQfname(result, static_cast<int>(column));
    if (name == nullptr) {
        raise(ErrorCode::not_found, fmt::format("no column number {}; the row has {}", column, count_columns(result)));
    }
    return name;
}

}  // namespace

std::size_t Row::columns() const noexcept {
    return count_columns(data_->result.get());
}

std::string_view Row::column_name(std::size_t column) const {
    return name_of_column(data_->result.get(), column);
}

detail::Cell Row::cell(std::size_t column) const {
    PGresult* result = data_->result.get();
    const int at = static_cast<int>(column);
    const int row = static_cast<int>(row_);
    if (at < 0 || at >= PQnfields(result)) return {};
    const bool null = PQgetisnull(result, row, at) != 0;
    return {null ? nullptr : PQgetvalue(result, row, at), static_cast<std::size_t>(PQgetlength(result, row, at)),
            PQftype(result, at), PQfformat(result, at) == 1, PQfname(result, at)};
}

detail::Cell Row::cell(std::string_view column) const {
    // not PQfnumber: it folds case as SQL does, and wants a terminated string
    PGresult* result = data_->result.get();
    const int count = PQnfields(result);
    for (int at = 0; at < count; ++at) {
        if (column == PQfname(result, at)) return cell(static_cast<std::size_t>(at));
    }
    return {};
}

void Row::no_value(const detail::Cell& cell, std::string_view name) {
    if (!cell.column.empty()) {
        raise(ErrorCode::not_found,
              fmt::format("column '{}' is NULL; read it with find() or give a default", cell.column));
    }
    raise(ErrorCode::not_found, name.empty() ? std::string("the row has no column of that number")
                                             : fmt::format("the row has no column '{}'", name));
}

std::size_t Rows::size() const noexcept {
    return data_ ? static_cast<std::size_t>(PQntuples(data_->result.get())) : 0;
}

std::size_t Rows::columns() const noexcept {
    return data_ ? count_columns(data_->result.get()) : 0;
}

std::string_view Rows::column_name(std::size_t column) const {
    return name_of_column(data_ ? data_->result.get() : nullptr, column);
}

std::uint32_t Rows::column_type(std::size_t column) const noexcept {
    return column < columns() ? PQftype(data_->result.get(), static_cast<int>(column)) : 0;
}

std::uint64_t Rows::affected() const noexcept {
    if (!data_) return 0;
    const char* text = PQcmdTuples(data_->result.get());
    std::uint64_t count = 0;
    std::from_chars(text, text + std::strlen(text), count);
    return count;
}

std::string_view Rows::command() const noexcept {
    if (!data_) return {};
    const std::string_view tag = PQcmdStatus(data_->result.get());
    return tag.substr(0, tag.find(' '));
}

}  // namespace v0
}  // namespace stele
