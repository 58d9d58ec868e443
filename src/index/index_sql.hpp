// What the statements of a vector index have in common.
#pragma once

#include <span>
#include <string>

#include "index/index_table.hpp"
#include "stele/statement.hpp"

namespace stele {

/// The parameter of this number, a vector in pgvector's binary form, as the column's type.
std::string vector_cast(const TableFacts& facts, int parameter);
/// The column's vectors, to be read in that form.
std::string stored_vector(const TableFacts& facts);
void add_vector(Parameters& parameters, const TableFacts& facts, std::span<const float> vector);

/// Takes the parameters by reference: the text often counts them, and arguments are evaluated in any order.
Statement with(std::string sql, Parameters& parameters);

}  // namespace stele
