// What of a remembered conversation is given back to the model.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "stele/error.hpp"
#include "stele/export.hpp"
#include "stele/model_element.hpp"
#include "stele/timestamp.hpp"

namespace stele {
inline namespace v0 {

/// How a window is trimmed. What a provider refuses is a tool request without its response, or a response without its
/// request; a window of the newest elements easily has both at its ends.
enum class Replay : std::uint8_t {
    /// As `head`; and an output with a tool request that has no response later is left out, with the responses to its
    /// other requests, and so is a response to no request, wherever they are. An element of nothing else goes with it.
    answered,
    /// As draive: from the first input on that holds no tool response. None: empty.
    head,
    /// All of it.
    all,
};

/// What is left of elements, oldest first. Blocks are copied as they are; with Replay::answered, an input that held an
/// orphan response and something else keeps the rest. A response belongs to the newest request before it of the same
/// identifier that has none yet (some models use an identifier again).
STELE_API std::vector<ModelElement> replayable(std::vector<ModelElement> elements, Replay replay = Replay::answered);

/// How many tokens an element has. From any thread, and it may throw.
using CountTokens = std::function<std::size_t(const ModelElement&)>;
/// A guess for those who have no tokenizer at hand: a token for each 4 bytes of the element's text, rounded up, and 4
/// for the element. For English it is near; for other scripts it is too much. Data of resources count as 1,000.
STELE_API std::size_t estimate_tokens(const ModelElement& element);

/// How far a memory had come: the stamp of the newest thing in it, whoever stored it. A value type.
struct MemoryPosition {
    std::optional<Timestamp> newest = {};  ///< none: nothing was ever stored

    friend bool operator==(const MemoryPosition&, const MemoryPosition&) = default;
};

/// Something was stored since the position that the caller expected. Nothing was stored by this call: recall and decide
/// anew. Its code is ErrorCode::serialization, and it does not poison a transaction.
class STELE_API MemoryMoved final : public Error {
public:
    MemoryMoved(const std::string& memory, const MemoryPosition& expected, MemoryPosition actual);
    const MemoryPosition& actual() const noexcept { return actual_; }

private:
    MemoryPosition actual_;
};

}  // namespace v0
}  // namespace stele
