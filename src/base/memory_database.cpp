#include "stele/memory_database.hpp"

#include <chrono>

#include "base/memory_database_impl.hpp"

namespace stele::inline v0 {

MemoryDatabase::MemoryDatabase()
    : MemoryDatabase(
          [] { return std::chrono::time_point_cast<Timestamp::duration>(std::chrono::system_clock::now()); }) {}

MemoryDatabase::MemoryDatabase(Now now) : impl_(std::make_shared<Impl>(std::move(now))) {}

}  // namespace stele::inline v0
