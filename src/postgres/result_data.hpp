// The libpq result behind Rows.
#pragma once

#include <libpq-fe.h>

#include <cstddef>
#include <memory>
#include <vector>

#include "stele/rows.hpp"

namespace stele::inline v0::detail {

/// A result, or some rows of one that several statements share, without its first column.
struct ResultData {
    struct Clear {
        void operator()(PGresult* cleared) const noexcept { PQclear(cleared); }
    };
    std::unique_ptr<PGresult, Clear> result;
    std::shared_ptr<const ResultData> whole;  // these are rows of it
    std::vector<int> rows;                    // which

    PGresult* get() const noexcept { return whole ? whole->get() : result.get(); }
    int size() const noexcept { return whole ? static_cast<int>(rows.size()) : PQntuples(result.get()); }
    int row(std::size_t index) const noexcept { return whole ? rows[index] : static_cast<int>(index); }
    std::size_t columns() const noexcept { return static_cast<std::size_t>(PQnfields(get()) - at(0)); }
    /// A column's number in get().
    int at(std::size_t column) const noexcept { return static_cast<int>(column) + (whole ? 1 : 0); }
};

inline Rows make_rows(PGresult* result) {
    auto data = std::make_shared<ResultData>();
    data->result.reset(result);
    return Rows(std::move(data));
}

}  // namespace stele::inline v0::detail
