// A namespace's vectors, by COPY.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "cache/cache_sql.hpp"
#include "cache/vector_memory.hpp"
#include "stele/database.hpp"

namespace stele {

/// Reads the rows with ids above `after`, in their order and in one snapshot, on a connection of its own.
void copy_vectors(Database& database, const CacheSql& sql, const std::string& name_space, std::int64_t after,
                  const std::function<void(const VectorRow&)>& row, Deadline deadline);

}  // namespace stele
