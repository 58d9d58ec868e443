#include "index/index_sql.hpp"

#include <fmt/format.h>

#include "index/pgvector_value.hpp"
#include "vectors/kernels.hpp"

namespace stele {

std::string vector_cast(const TableFacts& facts, int parameter) {
    const std::string vector = fmt::format("${}::{}.vector", parameter, facts.extension);
    return facts.half ? fmt::format("{}::{}.halfvec", vector, facts.extension) : vector;
}

std::string stored_vector(const TableFacts& facts) {
    return fmt::format("{}.vector_send(embedding{})", facts.extension,
                       facts.half ? fmt::format("::{}.vector", facts.extension) : "");
}

void add_vector(Parameters& parameters, const TableFacts& facts, std::span<const float> vector) {
    std::vector<float> copy(vector.begin(), vector.end());
    if (facts.half) kernels::normalize(copy);  // float16 ends at 65,504
    parameters.add_binary(encode_pgvector(copy));
}

Statement with(std::string sql, Parameters& parameters) {
    Statement statement(std::move(sql));
    statement.parameters() = std::move(parameters);
    return statement;
}

}  // namespace stele
