// Which response belongs to which request of a tool.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "stele/conversation_turn.hpp"
#include "stele/model_element.hpp"
#include "stele/timestamp.hpp"

namespace stele {

/// Requests that wait for their response. A response belongs to the newest request before it of the same identifier
/// that has none yet (some models use an identifier again). `Place` is where the caller has the request.
template <class Name, class Place>
class OpenRequests {
public:
    void ask(const Name& identifier, Place place) { waiting_[identifier].push_back(place); }
    /// Nothing: there is no such request.
    std::optional<Place> answer(const Name& identifier) {
        const auto found = waiting_.find(identifier);
        if (found == waiting_.end() || found->second.empty()) return std::nullopt;
        const Place place = found->second.back();
        found->second.pop_back();
        return place;
    }
    template <class Each>
    void for_each(Each each) const {
        for (const auto& [identifier, places] : waiting_) {
            for (const Place& place : places) each(place);
        }
    }

private:
    std::map<Name, std::vector<Place>> waiting_;
};

/// What an element has to do with tools, by the identifiers of the calls: it has requests or responses, not both.
struct ToolUse {
    Timestamp created = {};
    std::vector<std::string> requests = {}, responses = {};
};
bool has_request(const ToolUse& use, const std::string& identifier);
ToolUse tool_use(const ModelElement& element);
/// One for each call and each response, in their order.
std::vector<ToolUse> tool_uses(const ConversationTurn& turn);

/// The responses that have no request before them here. `uses`: the oldest first.
std::vector<std::string> unasked(const std::vector<ToolUse>& uses);

/// Where requests stand that have no response yet, and are older than `cut`: the oldest first, each once.
std::vector<Timestamp> waiting(Timestamp cut, const std::vector<ToolUse>& uses);

/// The newest moment, no later than `cut`, that parts no response from its request. `uses`: the oldest first.
Timestamp between_exchanges(Timestamp cut, const std::vector<ToolUse>& uses);

}  // namespace stele
