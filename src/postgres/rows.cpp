#include "stele/rows.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstring>

#include "base/result.hpp"
#include "postgres/result_data.hpp"

namespace stele {
inline namespace v0 {

namespace {

std::string_view name_of_column(const detail::ResultData* data, std::size_t column) {
    const std::size_t count = data == nullptr ? 0 : data->columns();
    if (column >= count) raise(ErrorCode::not_found, fmt::format("no column number {}; the row has {}", column, count));
    return PQfname(data->get(), data->at(column));
}

}  // namespace

std::size_t Row::columns() const noexcept {
    return data_->columns();
}

std::string_view Row::column_name(std::size_t column) const {
    return name_of_column(data_.get(), column);
}

detail::Cell Row::cell(std::size_t column) const {
    if (column >= columns()) return {};
    PGresult* result = data_->get();
    const int at = data_->at(column);
    const int row = data_->row(row_);
    const bool null = PQgetisnull(result, row, at) != 0;
    return {null ? nullptr : PQgetvalue(result, row, at), static_cast<std::size_t>(PQgetlength(result, row, at)),
            PQftype(result, at), PQfformat(result, at) == 1, PQfname(result, at)};
}

detail::Cell Row::cell(std::string_view column) const {
    // not PQfnumber: it folds case as SQL does, and wants a terminated string
    const std::size_t count = columns();
    for (std::size_t at = 0; at < count; ++at) {
        if (column == PQfname(data_->get(), data_->at(at))) return cell(at);
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
    return data_ ? static_cast<std::size_t>(data_->size()) : 0;
}

std::size_t Rows::columns() const noexcept {
    return data_ ? data_->columns() : 0;
}

std::string_view Rows::column_name(std::size_t column) const {
    return name_of_column(data_.get(), column);
}

std::uint32_t Rows::column_type(std::size_t column) const noexcept {
    return column < columns() ? PQftype(data_->get(), data_->at(column)) : 0;
}

std::uint64_t Rows::affected() const noexcept {
    if (!data_) return 0;
    if (data_->whole) return size();
    const char* text = PQcmdTuples(data_->get());
    std::uint64_t count = 0;
    std::from_chars(text, text + std::strlen(text), count);
    return count;
}

std::string_view Rows::command() const noexcept {
    if (!data_) return {};
    const std::string_view tag = PQcmdStatus(data_->get());
    return tag.substr(0, tag.find(' '));
}

}  // namespace v0
}  // namespace stele
