// Where model memories are kept.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "stele/deadline.hpp"
#include "stele/json.hpp"
#include "stele/memory_window.hpp"
#include "stele/uuid.hpp"

namespace stele {

/// What became of a call that remembers.
struct MemoryOutcome {
    enum class Kind : std::uint8_t {
        stored,
        repeated,  ///< it had been made before
        moved,     ///< the position was another
    };
    Kind kind = Kind::stored;
    MemoryPosition position = {};
};

/// Thread-safe. Arguments have been checked.
class ModelStore {
public:
    struct Found {
        std::vector<Json> elements = {};  ///< the newest first
        std::optional<Json> variables = {};
        MemoryPosition position = {};
    };
    struct Element {
        Json content;
        std::optional<Uuid> identifier = {};
    };
    struct Write {
        std::vector<Element> elements = {};
        std::optional<Json> variables = {};
        std::optional<std::string> key = {};
        std::optional<MemoryPosition> expected = {};
        std::vector<std::string> responses = {};  ///< of tools, whose requests are not among the elements
    };

    virtual ~ModelStore() = default;
    /// `limit`: none for all.
    virtual Found recall(const std::string& memory, std::optional<std::size_t> limit, Deadline deadline) = 0;
    /// As refuse_unasked() says for a response that has no request in the memory either.
    virtual MemoryOutcome remember(const std::string& memory, const Write& write, Deadline deadline) = 0;
    virtual void create(const std::string& memory, Deadline deadline) = 0;
};

}  // namespace stele
