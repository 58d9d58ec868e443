// What is current of configurations and templates, in memory, for whoever depends on them.
#pragma once

#include "base/memory_database_impl.hpp"

namespace stele {

/// Makes MemoryHeads know it.
void tell_heads(MemoryDatabase::Impl& database) STELE_REQUIRES(database.mutex);

}  // namespace stele
