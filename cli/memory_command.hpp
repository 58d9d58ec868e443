// The parts of `stele memory`.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "context.hpp"
#include "stele/conversation_turn.hpp"
#include "stele/memory_threads.hpp"

namespace CLI {
class App;
}

namespace stele::cli {

/// Which kind of memory a command is about, and how it is spoken of: --models.
struct KindOption {
    bool models = false;

    MemoryKind kind() const noexcept { return models ? MemoryKind::models : MemoryKind::conversations; }
    std::string_view noun() const noexcept { return models ? "model memory" : "conversation"; }
    std::string_view nouns() const noexcept { return models ? "model memories" : "conversations"; }
    std::string_view item() const noexcept { return models ? "element" : "turn"; }
    std::string_view items() const noexcept { return models ? "elements" : "turns"; }
    std::string count_items(std::size_t count) const;
};
void add_kind(CLI::App& command, KindOption& option);
/// The thread a command is about.
void add_thread(CLI::App& command, std::string& thread);

MemoryThreads open_threads(Context& context, const KindOption& option);
/// Throws Error(not_found): there is no such thread.
[[noreturn]] void fail_unknown_thread(const KindOption& option, const std::string& thread);

/// As it is stored, so {"turn": {...}} and {"element": {...}} on a line of their own.
nlohmann::json json_of(const ConversationTurn& turn);
nlohmann::json json_of(const ModelElement& element);
/// For people, what a model is told of it: a line for each block.
void print(const Output& output, const ConversationTurn& turn);
void print(const Output& output, const ModelElement& element);

void add_memory_list(CLI::App& memory, Context& context);
void add_memory_show(CLI::App& memory, Context& context);
void add_memory_tail(CLI::App& memory, Context& context);
void add_memory_prune(CLI::App& memory, Context& context);
void add_memory_delete(CLI::App& memory, Context& context);
void add_memory_fork(CLI::App& memory, Context& context);
void add_memory_erase(CLI::App& memory, Context& context);
void add_memory_import(CLI::App& memory, Context& context);
void add_memory_export(CLI::App& memory, Context& context);

}  // namespace stele::cli
