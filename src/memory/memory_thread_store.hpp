// Threads of a MemoryDatabase, for the twin.
#pragma once

#include <memory>

#include "memory/thread_store.hpp"
#include "stele/memory_database.hpp"

namespace stele {

std::shared_ptr<ThreadStore> memory_thread_store(MemoryKind kind, MemoryDatabase database);

}  // namespace stele
