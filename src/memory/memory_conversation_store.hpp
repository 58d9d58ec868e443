// Conversations of a MemoryDatabase, for the twin.
#pragma once

#include <string>

#include "memory/conversation_store.hpp"
#include "memory/memory_conversation_data.hpp"

namespace stele {

class MemoryConversationStore final : public ConversationStore {
public:
    explicit MemoryConversationStore(MemoryDatabase database);

    Found newest(const std::string& thread, std::optional<std::size_t> limit, Deadline deadline) override;
    Found before(const std::string& thread, const Uuid& cursor, std::size_t limit, Deadline deadline) override;
    MemoryOutcome remember(const std::string& thread, const Write& write, Deadline deadline) override;

private:
    using Data = MemoryConversationData;

    void check_responses(const std::string& thread, const std::vector<std::string>& responses) const
        STELE_REQUIRES(impl_.mutex);

    const MemoryDatabase database_;
    MemoryDatabase::Impl& impl_;
    Data* data_ = nullptr;  // under its lock
};

}  // namespace stele
