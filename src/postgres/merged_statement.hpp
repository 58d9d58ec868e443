// Statements of several callers as one statement over arrays.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/result.hpp"
#include "stele/rows.hpp"
#include "stele/statement.hpp"

namespace stele {

/// A statement and the one that does it for many values of its parameters at once. Of a write that is
/// Statement::many(); of a SELECT:
///
///     SELECT k.i, r.* FROM (SELECT unnest($1) AS p1, unnest($2) AS p2, generate_subscripts($1, 1) AS i OFFSET 0) k
///     CROSS JOIN LATERAL (SELECT * FROM (SELECT ... WHERE a = k.p1 AND b = k.p2) q OFFSET 0) r
///
/// The set-returning functions stand on one level: on several they would pair up wrongly. In FROM they would be
/// planned anew for every array (unnest with ordinality is, where arrays are small). The second OFFSET 0 keeps the
/// plan that the SELECT has alone: the planner takes every array for one of 1,000 elements, and would rather read a
/// small table whole than look a thousand keys up.
class MergedStatement {
public:
    /// Nothing when the statement cannot be merged: no parameter, one that has no array type, or no plain SELECT and no
    /// many().
    static std::optional<MergedStatement> of(const Statement& statement);

    /// Whether this statement may travel along: the same text and types, and no NULL in a SELECT.
    bool takes(const Statement& statement) const;
    /// Precondition: takes() each. The answer's rows of the n-th have n + 1 in their first column.
    Statement merge(std::span<const Statement* const> statements) const;

private:
    Sql text_{""};  // of each
    std::vector<std::uint32_t> types_;
    Sql sql_{""};  // of all
    bool reads_ = true;
};

/// The rows of each of `count` merged statements, without their number.
Result<std::vector<Rows>> split_answer(const std::shared_ptr<const detail::ResultData>& merged, std::size_t count);

}  // namespace stele
