#include "cache/vector_copy.hpp"

#include "stele/copy.hpp"

namespace stele {

void copy_vectors(Database& database, const CacheSql& sql, const std::string& name_space, std::int64_t after,
                  const std::function<void(const VectorRow&)>& row, Deadline deadline) {
    Transaction transaction = database.begin({.read_only = true}, deadline);
    transaction.query(Statement(sql.copying, name_space, std::to_string(after)), deadline);
    CopyOut copy(transaction, sql.copy, deadline);
    while (const auto next = copy.next()) {
        row({next->get<std::int64_t>("id"), next->get<std::string_view>("query_hash"),
             next->get<std::int64_t>("writer"), next->get<std::span<const std::byte>>("embedding")});
    }
    transaction.rollback(deadline);  // it wrote nothing
}

}  // namespace stele
