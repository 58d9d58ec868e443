// Conversations in draive's table.
#pragma once

#include <memory>
#include <string>

#include "memory/conversation_store.hpp"
#include "stele/executor.hpp"
#include "stele/statement.hpp"

namespace stele {

/// Thread-safe if the executor is.
class PostgresConversationStore final : public ConversationStore {
public:
    /// `group`: on a database, where writes of several callers may share a commit.
    PostgresConversationStore(std::shared_ptr<Executor> executor, const std::string& quoted_schema, bool group);

    Found newest(const std::string& thread, std::optional<std::size_t> limit, Deadline deadline) override;
    Found before(const std::string& thread, const Uuid& cursor, std::size_t limit, Deadline deadline) override;
    MemoryOutcome remember(const std::string& thread, const Write& write, Deadline deadline) override;

private:
    Found read(const Statement& statement, std::optional<std::size_t> limit, Deadline deadline);

    const std::shared_ptr<Executor> executor_;
    const bool group_;
    const Sql newest_, before_, remember_;
};

}  // namespace stele
