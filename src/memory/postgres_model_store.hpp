// Model memories in draive's tables.
#pragma once

#include <memory>
#include <string>

#include "memory/model_store.hpp"
#include "stele/executor.hpp"
#include "stele/statement.hpp"

namespace stele {

/// Thread-safe if the executor is.
class PostgresModelStore final : public ModelStore {
public:
    /// `group`: on a database, where writes of several callers may share a commit.
    PostgresModelStore(std::shared_ptr<Executor> executor, const std::string& quoted_schema, bool group);

    Found recall(const std::string& memory, std::optional<std::size_t> limit, Deadline deadline) override;
    MemoryOutcome remember(const std::string& memory, const Write& write, Deadline deadline) override;
    void create(const std::string& memory, Deadline deadline) override;

private:
    const std::shared_ptr<Executor> executor_;
    const bool group_;
    const Sql recall_, remember_, create_;
};

}  // namespace stele
