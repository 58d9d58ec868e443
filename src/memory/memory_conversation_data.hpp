// Conversations of a MemoryDatabase, for twins.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "base/memory_database_impl.hpp"
#include "memory/conversation_store.hpp"
#include "memory/memory_fork.hpp"

namespace stele {

/// Under the lock of the MemoryDatabase.
struct MemoryConversationData {
    using Place = std::pair<Timestamp, Uuid>;
    struct Thread {
        std::map<Place, ConversationStore::Turn> turns;
        std::map<Uuid, Timestamp> places;
        MemoryPosition position;
        std::optional<MemoryFork> fork;
    };
    std::map<std::string, Thread> threads;

    static MemoryConversationData& of(MemoryDatabase::Impl& database) STELE_REQUIRES(database.mutex) {
        return database.data<MemoryConversationData>("conversation_memory");
    }
};

}  // namespace stele
