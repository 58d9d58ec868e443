#include "memory/tool_uses.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace stele {
namespace {

/// Calls `each` with every response of uses, the oldest first, and where its request is, if there is one.
template <class Each>
OpenRequests<std::string, Timestamp> match(const std::vector<ToolUse>& uses, Each each) {
    OpenRequests<std::string, Timestamp> open;
    for (const ToolUse& use : uses) {
        for (const std::string& identifier : use.responses) each(use, identifier, open.answer(identifier));
        for (const std::string& identifier : use.requests) open.ask(identifier, use.created);
    }
    return open;
}

}  // namespace

bool has_request(const ToolUse& use, const std::string& identifier) {
    return std::find(use.requests.begin(), use.requests.end(), identifier) != use.requests.end();
}

ToolUse tool_use(const ModelElement& element) {
    ToolUse use;
    if (const auto* output = std::get_if<ModelOutput>(&element)) {
        for (const OutputBlock& block : output->blocks) {
            if (const auto* asked = std::get_if<ToolRequest>(&block)) use.requests.push_back(asked->identifier);
        }
    } else {
        for (const InputBlock& block : std::get<ModelInput>(element).blocks) {
            if (const auto* gave = std::get_if<ToolResponse>(&block)) use.responses.push_back(gave->identifier);
        }
    }
    return use;
}

std::vector<ToolUse> tool_uses(const ConversationTurn& turn) {
    std::vector<ToolUse> uses;
    const auto* assistant = std::get_if<AssistantTurn>(&turn);
    if (assistant == nullptr) return uses;
    for (const AssistantPart& part : assistant->content) {
        const auto* event = std::get_if<ConversationEvent>(&part);
        if (event == nullptr) continue;
        if (const auto asked = event->tool_request()) uses.push_back({{}, {asked->identifier}, {}});
        if (const auto gave = event->tool_response()) uses.push_back({{}, {}, {gave->identifier}});
    }
    return uses;
}

std::vector<std::string> unasked(const std::vector<ToolUse>& uses) {
    std::vector<std::string> all;
    match(uses, [&](const ToolUse&, const std::string& identifier, const std::optional<Timestamp>& asked) {
        if (!asked) all.push_back(identifier);
    });
    return all;
}

std::vector<Timestamp> waiting(Timestamp cut, const std::vector<ToolUse>& uses) {
    std::set<Timestamp> all;
    match(uses, [](const auto&...) {}).for_each([&](Timestamp asked) {
        if (asked < cut) all.insert(asked);
    });
    return {all.begin(), all.end()};
}

Timestamp between_exchanges(Timestamp cut, const std::vector<ToolUse>& uses) {
    std::vector<std::pair<Timestamp, Timestamp>> exchanges;  // response, request; the oldest response first
    match(uses, [&](const ToolUse& use, const std::string&, const std::optional<Timestamp>& asked) {
        if (asked) exchanges.emplace_back(use.created, *asked);
    });
    // from the newest: what an exchange moves the cut to can only part older ones
    for (auto each = exchanges.rbegin(); each != exchanges.rend() && each->first >= cut; ++each) {
        cut = std::min(cut, each->second);
    }
    return cut;
}

}  // namespace stele
