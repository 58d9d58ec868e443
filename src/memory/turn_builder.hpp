// Elements of a model's context, put together to turns.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "stele/conversation_turn.hpp"
#include "stele/timestamp.hpp"

namespace stele {

/// Give it the elements of one conversation in their order. Turns get times that grow, and identifiers by the thread's
/// name and their number in it.
class TurnBuilder {
public:
    explicit TurnBuilder(std::string thread) : thread_(std::move(thread)) {}

    void add(const ModelElement& element, Timestamp created);
    std::vector<ConversationTurn> finish();

private:
    void add(const ModelInput& input, Timestamp created);
    void add(const ModelOutput& output, Timestamp created);
    AssistantTurn& assistant(const Json& meta, Timestamp created);
    void close();
    template <class Turn>
    void begin(Turn& turn, const Json& meta, Timestamp created);

    const std::string thread_;
    std::optional<AssistantTurn> open_;
    std::optional<Timestamp> last_;
    std::vector<ConversationTurn> turns_;
};

}  // namespace stele
