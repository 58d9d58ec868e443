#include "memory/tool_uses.hpp"

#include <algorithm>
#include <utility>

namespace stele {

Timestamp between_exchanges(Timestamp cut, const std::vector<ToolUse>& uses) {
    OpenRequests<std::string, Timestamp> open;
    std::vector<std::pair<Timestamp, Timestamp>> exchanges;  // response, request; the oldest response first
    for (const ToolUse& use : uses) {
        for (const std::string& identifier : use.responses) {
            if (const auto asked = open.answer(identifier)) exchanges.emplace_back(use.created, *asked);
        }
        for (const std::string& identifier : use.requests) open.ask(identifier, use.created);
    }
    // from the newest: what an exchange moves the cut to can only part older ones
    for (auto each = exchanges.rbegin(); each != exchanges.rend() && each->first >= cut; ++each) {
        cut = std::min(cut, each->second);
    }
    return cut;
}

}  // namespace stele
