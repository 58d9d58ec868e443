// A conversation that is remembered: append turns, get back the newest that fit.
//
//     stele::ConversationMemory conversation(database, "thread-1");
//     conversation.remember({stele::UserTurn("Hi, I am Ada."), stele::AssistantTurn("Hello, Ada!")});
//     const std::vector<stele::ModelElement> context = conversation.recall({.max_tokens = 4000}).context;
//
// On the table `conversation_memory` of draive from 0.100 on, so that a running deployment can be shared or taken over.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "stele/conversation_turn.hpp"
#include "stele/database.hpp"
#include "stele/export.hpp"
#include "stele/memory_database.hpp"
#include "stele/memory_window.hpp"
#include "stele/model_memory.hpp"

namespace stele {
inline namespace v0 {

struct ConversationWindow {
    std::size_t limit = 0;  ///< the newest so many turns; 0: all
    /// At most so many tokens, by `count_tokens`: the longest window of the newest turns that fits and begins with a
    /// user's. Turns are never cut. Empty when not even the shortest fits. None: however many.
    std::optional<std::size_t> max_tokens = {};
    CountTokens count_tokens = estimate_tokens;
    /// A conversation of which nothing older is left out begins as it began, whoever spoke first.
    Replay replay = Replay::answered;
};

struct ConversationRecall {
    std::vector<ModelElement> context = {};  ///< oldest first
    MemoryPosition position = {};            ///< of the same moment, to be expected by remember()
    std::size_t tokens = 0;                  ///< of the context, if max_tokens was given
    bool older = false;                      ///< turns were left out
};

struct ConversationPage {
    std::vector<ConversationTurn> turns;   ///< oldest first
    std::optional<std::string> next = {};  ///< the token of the page of older turns; none: this was the last
};

struct RememberTurnsOptions {
    /// Only if nothing was stored since: else MemoryMoved. Turns that are stored already come first.
    std::optional<MemoryPosition> expected = {};
    /// Take responses of tools that nothing asked for, too: for what comes from elsewhere. No recall replays them.
    bool allow_unasked = false;
};

/// One conversation, by the identifier of its thread: text of 1 to 1,024 bytes, UTF-8 without U+0000, else
/// Error(invalid_argument). Thread-safe, but for what in() returns. Copies share everything; nothing is kept in memory.
/// Without a deadline DatabaseOptions::call_timeout applies.
///
/// The order is by time, then identifier. Time is the server's: a turn without `created` gets a stamp of its own, later
/// than all in the conversation before it, and those of one call stand together. draive's processes stamp with their
/// own clocks, so one of their turns may come to stand before newer ones; then `position` need not show it.
class STELE_API ConversationMemory {
public:
    /// The database must have Stele's tables, so not be opened as DatabaseOptions::bare without them: else every call
    /// throws the server's error.
    ConversationMemory(Database database, std::string thread);
    /// A twin without a database, for tests: the same behaviour, in memory. It joins no transaction, and gives JSON as
    /// it was written, where the database re-orders keys.
    static ConversationMemory in_memory(std::string thread, MemoryDatabase database = MemoryDatabase());
    /// One that has these turns, as they are, and stores nothing. Without turns it remembers nothing at all.
    static ConversationMemory constant(std::vector<ConversationTurn> turns = {});

    /// The same conversation inside a transaction: it sees what that wrote, and what it stores is undone with it. It
    /// holds the conversation for itself from its first remember() on: other writers wait, for at most
    /// DatabaseOptions::lock_timeout if they are in no transaction. For one thread; not to be used once that is over.
    ConversationMemory in(Transaction& transaction) const;
    ConversationMemory in(Savepoint& savepoint) const;

    /// Stores turns behind all others, in this order, or none of them. One round trip, which may share its commit with
    /// those of other callers; durable when it returns. A turn that is stored already, and is the same but for a time
    /// that is not given, is left as it is, so that a call that is in doubt can be made again, and Stele makes it again
    /// by itself when a connection is lost; one that differs is Error(constraint_violation). A turn with a time of its
    /// own stands where that is. A response of a tool must have its request before it: in the same turn, as it should
    /// be, or in another of these turns, or in the conversation, however long ago (whether that was answered already is
    /// not looked at); else it is Error(invalid_argument). Only responses whose requests are not among these turns are
    /// looked up, by an index, in the same round trip.
    Remembered remember(std::span<const ConversationTurn> turns, const RememberTurnsOptions& options = {},
                        std::optional<Deadline> deadline = {});
    Remembered remember(std::initializer_list<ConversationTurn> turns, const RememberTurnsOptions& options = {},
                        std::optional<Deadline> deadline = {}) {
        return remember(std::span(turns.begin(), turns.size()), options, deadline);
    }

    /// The newest turns, as a model is told of them. One statement that reads as many turns as are asked for; with
    /// max_tokens a few more if the first 64 turns do not fill it. Error(type_mismatch) for what is stored and is no
    /// turn. Of an unknown thread: nothing.
    ConversationRecall recall(const ConversationWindow& window = {}, std::optional<Deadline> deadline = {}) const;

    /// A page of turns: the newest, or those older than the page that gave the token `before`. limit 0: an empty page,
    /// the last; negative: Error(invalid_argument). Pages visit each turn once, also while others are added.
    /// Error(invalid_argument) for a token that is none, Error(not_found) for one whose turn is gone.
    ConversationPage fetch(const std::optional<std::string>& before = {}, std::int64_t limit = 32,
                           std::optional<Deadline> deadline = {}) const;

private:
    struct Impl;
    explicit ConversationMemory(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
    std::shared_ptr<Impl> impl_;
};

}  // namespace v0
}  // namespace stele
