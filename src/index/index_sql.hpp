// What the statements of a vector index have in common.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "index/index_table.hpp"
#include "stele/statement.hpp"

namespace stele {

/// The parameter of this number, a vector in pgvector's binary form, as the column's type.
std::string vector_cast(const TableFacts& facts, int parameter);
/// The column's vectors, to be read in that form.
std::string stored_vector(const TableFacts& facts);
/// The vector as it goes into the column, scaled if its cosines would suffer otherwise: then it is in `scaled`.
std::span<const float> storable(const TableFacts& facts, std::span<const float> vector, std::vector<float>& scaled);
/// The vector that others are compared with.
void add_query(Parameters& parameters, std::span<const float> vector);

/// Takes the parameters by reference: the text often counts them, and arguments are evaluated in any order.
Statement with(std::string sql, Parameters& parameters);

}  // namespace stele
