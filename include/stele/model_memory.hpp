// What a model is to remember of one conversation: its elements, and variables beside them.
//
//     stele::ModelMemory memory(database, "thread-1");
//     memory.remember({stele::ModelInput("Hi, I am Ada."), stele::ModelOutput("Hello, Ada!")});
//     const stele::ModelMemoryRecall recalled = memory.recall({.max_tokens = 4000});
//
// On the tables `memories`, `memories_elements` and `memories_variables` of draive up to 0.92, so that a running
// deployment can be shared or taken over. For conversations in turns, as draive has them from 0.100 on, and most people
// want them, see stele/conversation_memory.hpp.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "stele/database.hpp"
#include "stele/export.hpp"
#include "stele/json.hpp"
#include "stele/memory_database.hpp"
#include "stele/memory_window.hpp"
#include "stele/model_element.hpp"

namespace stele {
inline namespace v0 {

struct ModelMemoryOptions {
    std::optional<std::size_t> recall_limit = {};  ///< of recalls that give none; none or 0: all
};

struct RecallOptions {
    /// The newest so many, before what Replay trims; 0: all. None: the memory's own limit.
    std::optional<std::size_t> limit = {};
    /// At most so many tokens, by `count_tokens`: the longest window of the newest that fits, and begins where `replay`
    /// lets one begin. Empty when not even the shortest does. None: however many.
    std::optional<std::size_t> max_tokens = {};
    CountTokens count_tokens = estimate_tokens;
    Replay replay = Replay::answered;
};

struct ModelMemoryRecall {
    std::vector<ModelElement> context = {};  ///< oldest first
    Json variables = Json::object();         ///< the newest snapshot; empty when there is none
    Json meta = Json::object();
    MemoryPosition position = {};  ///< of the same moment, to be expected by remember()
    std::size_t tokens = 0;        ///< of the context, if max_tokens was given
    bool older = false;            ///< the memory holds older elements than were looked at

    /// By what it holds: context, variables and meta.
    friend STELE_API bool operator==(const ModelMemoryRecall& a, const ModelMemoryRecall& b);
};

/// draive's: {"type": "model_memory", "context": [...], "variables": {...}, "meta": {...}}.
template <>
STELE_API Json to_json<ModelMemoryRecall>(const ModelMemoryRecall& recall);
template <>
STELE_API ModelMemoryRecall from_json<ModelMemoryRecall>(const Json& json, const FromJsonOptions& options);

struct RememberOptions {
    std::optional<Json> variables = {};  ///< an object: a new snapshot, which replaces the one before as a whole
    /// Names this call among those of this memory, for good: a call whose key was used stores nothing and tells where
    /// the first one came to. 1 to 1,024 bytes. So a call that is in doubt can be made again; Stele does it by itself
    /// when a connection is lost.
    std::optional<std::string> key = {};
    /// Only if nothing was stored since: else MemoryMoved. A key that was used comes first.
    std::optional<MemoryPosition> expected = {};
    /// Take responses of tools that nothing asked for, too: for what comes from elsewhere. No recall replays them.
    bool allow_unasked = false;
};

struct Remembered {
    std::optional<MemoryPosition> position = {};  ///< none: there was nothing to store, and the database was not asked
    /// The key had been used (of a conversation: its turns were there): nothing was stored now. That may have been by
    /// this very call, when its first answer was lost and Stele made it again.
    bool repeated = false;
};

/// One memory, by its identifier: text of 1 to 1,024 bytes, UTF-8 without U+0000, else Error(invalid_argument).
/// Thread-safe, but for what in() returns. Copies share everything; nothing is kept in memory. Without a deadline
/// DatabaseOptions::call_timeout applies.
///
/// Order and time are the database's: each thing stored gets a stamp of its own, later than all in the memory before
/// it, whatever the clocks of clients and server say; those of one call stand together. Python processes that write to
/// the same memory use their own clocks, so an element of theirs may come to stand before newer ones; then `position`
/// need not show it.
class STELE_API ModelMemory {
public:
    /// The database must have Stele's tables, so not be opened as DatabaseOptions::bare without them: else every call
    /// throws the server's error.
    ModelMemory(Database database, std::string identifier, ModelMemoryOptions options = {});
    /// A twin without a database, for tests: the same behaviour, in memory. It joins no transaction, and gives JSON as
    /// it was written, where the database re-orders keys.
    static ModelMemory in_memory(std::string identifier, MemoryDatabase database = MemoryDatabase(),
                                 ModelMemoryOptions options = {});
    /// One that recalls this, whatever is asked, and stores nothing.
    static ModelMemory constant(ModelMemoryRecall recalled);

    /// The same memory inside a transaction: it sees what that wrote, and what it stores is undone with it. It holds
    /// the memory for itself from its first remember() on: other writers wait, for at most
    /// DatabaseOptions::lock_timeout if they are in no transaction. For one thread; not to be used once that is
    /// over.
    ModelMemory in(Transaction& transaction) const;
    ModelMemory in(Savepoint& savepoint) const;

    /// Elements and variables as of one moment. One statement that reads as many rows as are asked for; with max_tokens
    /// a few more if the first 64 elements do not fill it. Error(type_mismatch) for what is stored and is no element.
    /// Of an unknown memory: nothing.
    ModelMemoryRecall recall(const RecallOptions& options = {}, std::optional<Deadline> deadline = {}) const;

    /// Stores elements behind all others, in this order, and variables, or nothing at all. Works on a memory that was
    /// never used. One round trip, which may share its commit with those of other callers; durable when it returns. An
    /// element whose identifier this memory has replaces that one and stays in its place; one that another memory has
    /// is Error(constraint_violation). A response of a tool must have its request before it: among these elements, or
    /// in the memory, however long ago (whether that was answered already is not looked at); else it is
    /// Error(invalid_argument). Only responses whose requests are not among these elements are looked up, by an index,
    /// in the same round trip. An error that is in_doubt() leaves open whether it was stored: give a key.
    Remembered remember(std::span<const ModelElement> elements, const RememberOptions& options = {},
                        std::optional<Deadline> deadline = {});
    Remembered remember(std::initializer_list<ModelElement> elements, const RememberOptions& options = {},
                        std::optional<Deadline> deadline = {}) {
        return remember(std::span(elements.begin(), elements.size()), options, deadline);
    }

    /// Makes the memory if it is not there, and stores variables if given. draive needs it before the first remember;
    /// Stele does not.
    void maintenance(const std::optional<Json>& variables = {}, std::optional<Deadline> deadline = {});

private:
    struct Impl;
    explicit ModelMemory(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
    std::shared_ptr<Impl> impl_;
};

}  // namespace v0
}  // namespace stele
