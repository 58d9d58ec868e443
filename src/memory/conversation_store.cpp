#include "memory/conversation_store.hpp"

#include <fmt/format.h>

#include <set>

#include "base/result.hpp"

namespace stele {

std::vector<ConversationStore::Turn> store_turns(std::span<const ConversationTurn> turns) {
    std::vector<ConversationStore::Turn> all;
    all.reserve(turns.size());
    std::set<Uuid> seen;
    for (const ConversationTurn& turn : turns) {
        std::visit([&](const auto& each) { all.push_back({each.identifier, each.created, to_json(turn)}); }, turn);
        if (!seen.insert(all.back().identifier).second) {
            raise(ErrorCode::invalid_argument,
                  fmt::format("two of the turns have the identifier {}", all.back().identifier.to_string()));
        }
    }
    return all;
}

void refuse_taken(const std::string& thread, const std::string& identifier) {
    raise(ErrorCode::constraint_violation,
          fmt::format("the conversation \"{}\" has another turn of the identifier {}; give each turn one of its own. "
                      "Nothing was stored",
                      thread, identifier));
}

}  // namespace stele
