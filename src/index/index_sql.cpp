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

std::span<const float> storable(const TableFacts& facts, std::span<const float> vector, std::vector<float>& scaled) {
    // float16 ends at 65,504, and pgvector sums squares in float32, which ends at 3e38 and begins to lose at 1e-38
    constexpr double kLeast = 1e-30, kMost = 1e30;
    double squares = 0;
    for (const float x : vector) squares += double{x} * double{x};
    if (!facts.half && squares >= kLeast && squares <= kMost) return vector;
    scaled.assign(vector.begin(), vector.end());
    kernels::normalize(scaled);
    return scaled;
}

void add_query(Parameters& parameters, std::span<const float> vector) {
    std::vector<float> scaled(vector.begin(), vector.end());
    kernels::normalize(scaled);
    parameters.add_binary(encode_pgvector(scaled));
}

Statement with(std::string sql, Parameters& parameters) {
    Statement statement(std::move(sql));
    statement.parameters() = std::move(parameters);
    return statement;
}

}  // namespace stele
