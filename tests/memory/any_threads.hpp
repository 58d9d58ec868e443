// Threads of conversations and of model memories, on a database or in memory, for tests of what all must do.
#pragma once

#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "memory/memories.hpp"
#include "stele/conversation_memory.hpp"
#include "stele/memory_threads.hpp"

namespace stele::test {

class AnyThreads : public ::testing::TestWithParam<std::tuple<On, MemoryKind>> {
protected:
    AnyThreads() {
        if (std::get<On>(GetParam()) == On::database) database_ = server_.open();
    }
    MemoryKind kind() const { return std::get<MemoryKind>(GetParam()); }
    bool models() const { return kind() == MemoryKind::models; }
    MemoryThreads threads() {
        return database_ ? MemoryThreads(*database_, kind()) : MemoryThreads::in_memory(kind(), memory_);
    }
    ModelMemory model(const std::string& identifier) {
        return database_ ? ModelMemory(*database_, identifier) : ModelMemory::in_memory(identifier, memory_);
    }
    ConversationMemory conversation(const std::string& identifier) {
        return database_ ? ConversationMemory(*database_, identifier)
                         : ConversationMemory::in_memory(identifier, memory_);
    }
    /// One item a text; the stamp of the last.
    Timestamp say(const std::string& identifier, const std::vector<std::string>& all) {
        Remembered stored;
        for (const std::string& text : all) {
            stored = models() ? model(identifier).remember({in(text)})
                              : conversation(identifier).remember({UserTurn(Content(text))});
        }
        return stored.position.value().newest.value();
    }
    /// All of it, or the newest.
    std::vector<std::string> said(const std::string& identifier, std::size_t limit = 0) {
        return texts_of(models() ? model(identifier).recall({.limit = limit, .replay = Replay::all}).context
                                 : conversation(identifier).recall({.limit = limit, .replay = Replay::all}).context);
    }
    MemoryPosition position(const std::string& identifier) {
        return models() ? model(identifier).recall().position : conversation(identifier).recall().position;
    }
    std::vector<std::string> names() {
        std::vector<std::string> all;
        for (const MemoryThread& each : threads().by_identifier()) all.push_back(each.identifier);
        return all;
    }

    test::Server server_;
    std::optional<Database> database_;
    MemoryDatabase memory_;
};

inline const auto kBothOfBoth =
    ::testing::Combine(kBoth, ::testing::Values(MemoryKind::conversations, MemoryKind::models));
inline std::string name_of_threads(const ::testing::TestParamInfo<std::tuple<On, MemoryKind>>& which) {
    const bool models = std::get<MemoryKind>(which.param) == MemoryKind::models;
    return std::string(models ? "models_" : "conversations_") + name_of({std::get<On>(which.param), which.index});
}

}  // namespace stele::test
