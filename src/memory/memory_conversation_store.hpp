// Conversations of a MemoryDatabase, for the twin.
#pragma once

#include <map>
#include <string>

#include "base/memory_database_impl.hpp"
#include "memory/conversation_store.hpp"

namespace stele {

class MemoryConversationStore final : public ConversationStore {
public:
    explicit MemoryConversationStore(MemoryDatabase database);

    Found newest(const std::string& thread, std::optional<std::size_t> limit, Deadline deadline) override;
    Found before(const std::string& thread, const Uuid& cursor, std::size_t limit, Deadline deadline) override;
    MemoryOutcome remember(const std::string& thread, const Write& write, Deadline deadline) override;

private:
    using Place = std::pair<Timestamp, Uuid>;
    struct Thread {
        std::map<Place, Turn> turns;
        std::map<Uuid, Timestamp> places;
        MemoryPosition position;
    };
    using Data = std::map<std::string, Thread>;

    const MemoryDatabase database_;
    MemoryDatabase::Impl& impl_;
    Data* data_ = nullptr;  // under its lock
};

}  // namespace stele
