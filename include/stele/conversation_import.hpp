// Conversations from the memories that draive kept before 0.100.
//
//     stele::import_conversations(database, {.schema = "public"});
//
// Until 0.99 draive kept a memory as elements, one row each; from 0.100 on it keeps turns, and leaves the old rows
// behind.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>

#include "stele/database.hpp"
#include "stele/export.hpp"

namespace stele {
inline namespace v0 {

struct ImportedConversations {
    std::size_t conversations = 0;  ///< that were looked at
    std::size_t turns = 0;          ///< in them
    std::size_t stored = 0;         ///< conversations of which something was new
};

struct ImportConversationsOptions {
    /// Where draive's tables `memories` and `memories_elements` are: those of 0.87 to 0.92, with texts as identifiers,
    /// or of 0.93 to 0.99, with UUIDs. Empty: the database's own schema.
    std::string schema = {};
    std::optional<std::string> identifier = {};  ///< of one memory; a UUID with dashes. None: all
    /// Called after each conversation with what was done so far. What it throws ends the import.
    std::function<void(const ImportedConversations&)> progress = {};
};

/// Makes a conversation of each memory that has elements, under the same identifier. An input with content is a user's
/// turn; all outputs and tool responses up to the next are one turn of the assistant. Each has the time of its first
/// element, or a microsecond more than the turn before. Variables are not taken along: conversations have none.
/// Responses of tools are, also those without a request, which remember() would refuse and no recall replays.
///
/// Resumable: turns get identifiers that only depend on where they came from, so that importing again stores what is
/// missing. Import when the memory is not written to any more: a last turn that has grown since it was imported is
/// Error(constraint_violation). Up to 50 conversations are in memory at a time. Error(type_mismatch) for what is no
/// element, Error(not_found) when the schema has no such tables. `deadline` is that of all of it; without one each
/// statement has DatabaseOptions::call_timeout.
STELE_API ImportedConversations import_conversations(Database& database, const ImportConversationsOptions& options = {},
                                                     std::optional<Deadline> deadline = {});

}  // namespace v0
}  // namespace stele
