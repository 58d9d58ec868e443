// Where conversations are kept.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "memory/model_store.hpp"
#include "stele/deadline.hpp"
#include "stele/json.hpp"
#include "stele/timestamp.hpp"
#include "stele/uuid.hpp"

namespace stele {

/// Thread-safe. Arguments have been checked.
class ConversationStore {
public:
    struct Turn {
        Uuid identifier;
        std::optional<Timestamp> created = {};  ///< none: by the store
        Json payload = {};
    };
    struct Found {
        std::vector<Turn> turns = {};  ///< the newest first; each with the time that the order goes by
        MemoryPosition position = {};
        bool cursor_found = false;
    };
    struct Write {
        std::vector<Turn> turns = {};
        std::optional<MemoryPosition> expected = {};
        std::vector<std::string> responses = {};  ///< of tools, whose requests are not in the turns
    };

    virtual ~ConversationStore() = default;
    /// The newest; `limit`: none for all.
    virtual Found newest(const std::string& thread, std::optional<std::size_t> limit, Deadline deadline) = 0;
    /// Those before the turn `cursor`, without the position.
    virtual Found before(const std::string& thread, const Uuid& cursor, std::size_t limit, Deadline deadline) = 0;
    /// Error(constraint_violation) for a turn that is there and differs; as refuse_unasked() says for a response that
    /// has no request in the conversation either.
    virtual MemoryOutcome remember(const std::string& thread, const Write& write, Deadline deadline) = 0;
};

[[noreturn]] void refuse_taken(const std::string& thread, const std::string& identifier);

}  // namespace stele
